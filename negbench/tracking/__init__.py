"""Finished cells in TensorBoard, MLflow and Weights & Biases: one run a cell, values by epoch."""
