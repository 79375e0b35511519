"""Does focal loss help? A study over real imbalanced data: `python -m benchmarks.study run`, then `report`."""
