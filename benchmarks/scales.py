"""How much is measured: the full suite, a quick look, and the least that runs every line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Sizes and repetitions."""

    pairs: int  # of whole trainings and processes
    kernel_pairs: int
    kernel_rows: int
    training_rows: tuple[int, ...]
    row_rounds: int  # rows times boosting rounds of one training
    fewest_rounds: int  # start, shift and conversion are done once, whatever the rounds
    covertype_rows: int
    peer_rows: int
    grid_rows: int
    grid_trees: int
    memory_rows: int  # beyond 8 million, freed arrays go back to the system at once (glibc)
    growth_rows: tuple[int, int]

    def rounds(self, n_rows: int) -> int:
        """Boosting rounds that make a training of so many rows last."""
        return max(self.fewest_rounds, min(50, self.row_rounds // n_rows))


MILLION = 1_000_000
SCALES = {
    "full": Scale(
        pairs=5,
        kernel_pairs=21,
        kernel_rows=MILLION,
        training_rows=(100_000, MILLION, 5 * MILLION),
        row_rounds=20 * MILLION,
        fewest_rounds=10,
        covertype_rows=581_012,
        peer_rows=MILLION,
        grid_rows=100_000,
        grid_trees=50,
        memory_rows=9 * MILLION,
        growth_rows=(MILLION, 5 * MILLION),
    ),
    "quick": Scale(
        pairs=5,
        kernel_pairs=7,
        kernel_rows=MILLION,
        training_rows=(100_000,),
        row_rounds=MILLION,
        fewest_rounds=10,
        covertype_rows=50_000,
        peer_rows=100_000,
        grid_rows=10_000,
        grid_trees=20,
        memory_rows=MILLION,
        growth_rows=(100_000, 500_000),
    ),
    "tiny": Scale(
        pairs=1,
        kernel_pairs=2,
        kernel_rows=2_000,
        training_rows=(2_000,),
        row_rounds=4_000,
        fewest_rounds=10,
        covertype_rows=2_000,
        peer_rows=2_000,
        grid_rows=300,
        grid_trees=2,
        memory_rows=2_000,
        growth_rows=(1_000, 5_000),
    ),
}
