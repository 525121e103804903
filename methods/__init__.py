"""The methods of negbench; import as negbench.methods."""

if __name__ != "negbench.methods":
    raise ImportError(
        "this folder is negbench.methods; "
        "install with `pip install -e .` and import it by that name"
    )
