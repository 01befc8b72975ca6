"""Writes the API pages of every module to `site/`."""

import pkgutil
from pathlib import Path

import pdoc
import pdoc.render

import graphkit

names = [module.name for module in pkgutil.walk_packages(graphkit.__path__, "graphkit.")]
public = [name for name in names if not any(part.startswith("_") for part in name.split("."))]
pdoc.render.configure(docformat="google")
pdoc.pdoc("graphkit", *public, output_directory=Path("site"))
print(f"{len(public) + 1} modules in site/")
