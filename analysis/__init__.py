"""The analysis of negbench; import as negbench.analysis."""

if __name__ != "negbench.analysis":
    raise ImportError(
        "this folder is negbench.analysis; "
        "install with `pip install -e .` and import it by that name"
    )
