"""Optuna: a search over gamma that stops bad trials early.

Each trial trains a model with parameters of `focalboost.search.suggest_params` and reports its held-out average
precision every 10 rounds; the median pruner ends it where it falls behind the trials before. The data is Give Me Some
Credit.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from datasets import load_gmsc, run_main
from gallery import finish
from matplotlib.figure import Figure
from sklearn.metrics import average_precision_score
from sklearn.model_selection import train_test_split

from focalboost import FocalLGBMClassifier
from focalboost.search import suggest_params

ROUNDS, STEP, TRIALS = 100, 10, 16
FIXED = {"n_estimators": ROUNDS, "learning_rate": 0.1, "num_leaves": 15, "n_jobs": 1, "verbose": -1}


def main() -> int:
    """Search, check what the text above says, and save the figure."""
    try:
        import optuna  # noqa: PLC0415 (said below where it is missing)
    except ImportError:
        print("tune: needs Optuna: pip install optuna", file=sys.stderr)
        return 2
    X, y = load_gmsc()
    X, X_test, y, y_test = train_test_split(X, y.to_numpy(), train_size=40_000, stratify=y, random_state=0)
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)

    def objective(trial: Any) -> float:
        def report(env: Any) -> None:
            if (env.iteration + 1) % STEP:
                return
            _, _, value, *_ = env.evaluation_result_list[0]
            trial.report(value, env.iteration + 1)
            if trial.should_prune():
                raise optuna.TrialPruned

        classifier = FocalLGBMClassifier(**FIXED, **suggest_params(trial))
        classifier.fit(
            X_train,
            y_train,
            eval_X=X_valid,
            eval_y=y_valid,
            eval_metric="average_precision",
            callbacks=[report],
        )
        return average_precision_score(y_valid, classifier.predict_proba(X_valid)[:, 1])

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )
    study.optimize(objective, n_trials=TRIALS)

    pruned = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.PRUNED]
    spent = sum(max(trial.intermediate_values) for trial in study.trials)
    best = FocalLGBMClassifier(**FIXED, **study.best_params).fit(X, y)
    plain = FocalLGBMClassifier(**FIXED).fit(X, y)
    found, default = (average_precision_score(y_test, model.predict_proba(X_test)[:, 1]) for model in (best, plain))
    print(f"{len(pruned)} of {TRIALS} trials ended early: {spent} of {TRIALS * ROUNDS} rounds were trained")
    print(f"best: gamma {study.best_params['focal_gamma']:.2f}, alpha {study.best_params['focal_alpha']}")
    print(f"average precision on other rows: {found:.4f}, with the default gamma and alpha {default:.4f}")
    assert pruned
    assert spent < TRIALS * ROUNDS
    assert found > default - 0.01  # the search costs nothing that the held-out rows can tell

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for trial in study.trials:
        rounds, values = zip(*sorted(trial.intermediate_values.items()), strict=True)
        color = "#14507f" if trial.number == study.best_trial.number else "#c2510c" if trial in pruned else "#b9c6d2"
        axes.plot(rounds, values, color=color, marker="x" if trial in pruned else "", markevery=[-1], linewidth=1.3)
    for label, color in {"best": "#14507f", "ended early": "#c2510c", "other": "#b9c6d2"}.items():
        axes.plot([], [], color=color, label=label)
    axes.set(xlabel="rounds", ylabel="held-out average precision", title=f"{TRIALS} trials, {len(pruned)} ended early")
    low = np.quantile([value for trial in study.trials for value in trial.intermediate_values.values()], 0.05)
    axes.set_ylim(bottom=low)
    axes.legend(frameon=False)
    finish(figure, "tune")
    return 0


if __name__ == "__main__":
    run_main(main)
