"""Does focal loss help? A study over real imbalanced data: `python -m study run`, then `python -m study report`."""
