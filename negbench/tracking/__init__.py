"""Cells in TensorBoard, MLflow and Weights & Biases: one run a cell, live and when finished."""
