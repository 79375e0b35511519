"""The class-balanced losses of gbdtCBL and ours, side by side: the paper's protocol, and one with tuned decisions."""
