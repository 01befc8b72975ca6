"""Turns equations into MathML while the site is built, so that readers need no script and no font from elsewhere."""

from __future__ import annotations

import re
from html import unescape

from latex2mathml.converter import convert

_EQUATION = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def on_page_content(html: str, **_: object) -> str:
    """Replaces what the extension arithmatex has marked."""
    return _EQUATION.sub(_mathml, html)


def _mathml(found: re.Match[str]) -> str:
    element, latex = found.groups()
    display = "block" if element == "div" else "inline"
    return f'<{element} class="math">{convert(unescape(latex).strip(), display=display)}</{element}>'
