"""What focal loss costs beside the frameworks' own objectives: ``python -m benchmarks``."""
