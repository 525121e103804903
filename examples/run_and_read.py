"""A run from Python: two methods on known preferences, read as a table, a frame and a report.

python examples/run_and_read.py
"""

import negbench

DATA = "synthetic(users=300,items=200,interactions=6000)"  # or "goodbooks", or "my.csv"

if __name__ == "__main__":  # processes of `jobs` above 1 import this file again
    run = negbench.run(
        datasets=DATA,
        methods=["random", "dns(candidates=4)"],
        backbones="mf",
        references="most_popular",
        seeds=2,
        epochs=5,
        out="runs/example",
    )
    print(run.table("md"))

    # Long form: dataset, backbone, method, variant, seed, split, metric, k, band, value.
    frame = run.frame
    ndcg = frame[(frame["split"] == "test") & (frame["metric"] == "ndcg") & (frame["k"] == 20)]
    print(ndcg.pivot_table(index=["method", "variant"], columns="band", values="value"))

    print("report:", run.report())
    again = negbench.open_run("runs/example")  # later, or of somebody else's folder
    print(again.audit("md"))
