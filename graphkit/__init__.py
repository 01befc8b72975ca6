"""graphkit: published raw data in, a trustworthy and comparable number out."""
