"""The documentation site: pages of docs/ as they are, and pages made of the source at each build.

`python docs/build_site.py` writes the Markdown of the site into one folder and has Sphinx build it.
"""
