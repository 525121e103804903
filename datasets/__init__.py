"""The datasets of negbench; import as negbench.datasets."""

if __name__ != "negbench.datasets":
    raise ImportError(
        "this folder is negbench.datasets; "
        "install with `pip install -e .` and import it by that name"
    )
