"""The words of the report; every figure in them is filled in from the results."""

HEAD = """# Class-balanced losses for boosting: what is left of the gain

{answer}

How to choose a loss is in the [guide](../guide.md). This page is generated: `make class-balanced` computes what
`benchmarks/class_balanced/results` lacks and writes the page;
`python -m benchmarks.class_balanced report` does the latter alone.

## What was compared

Luo, Yuan and Xu, "Improving GBDT performance on imbalanced datasets: an empirical study of class-balanced loss
functions" (Neurocomputing 634, 2025; arXiv:2407.14381), compare five losses with the cross-entropy: WCE (weighted), FL
(focal), ASL (asymmetric), and their own ACE and AWE, which are ASL without focusing, without and with a weight. They
are in the package gbdtCBL, which was run as it is. *Focal, ours* is `FocalObjective` in log-odds, with the same
choices of gamma as FL.

A gain is the difference from the framework's own cross-entropy on the same split, positive where the loss is better.
"±" is the 95 % t-interval over sets. *Detectable* is the minimal detectable effect: a true mean gain of that size would
be found four times in five. A set is better or worse by itself where the corrected resampled t-interval (Nadeau and
Bengio, 2003) over its splits leaves out 0. No correction for the number of comparisons; the gain of the best of five
losses is too high by selection.

**The paper's protocol**, from the code of the authors' examples: training from a margin of 0 (the stock cross-entropy
from its own start), a quarter of the rows held out, tuned by ROC AUC or, for more than two classes, accuracy (the
rounds in XGBoost by its log-loss, as it stops there); plain sigmoid or softmax; F1 at .5, or of the highest
probability, weighted by class size. **The honest protocol**: every loss
starts at its own stationary constant (found numerically from its gradients; the multiclass losses that have none at
the classes' shares); tuned by the log-loss of calibrated probabilities; every loss, the cross-entropy too, is
calibrated in the same way on the validation rows (Platt's slope and offset, with a weak prior); and every loss has its
decision tuned there, by a threshold or, for more classes, by a power of the classes' shares. "By link" is the log-loss
through the exact inverse of the loss's link instead of Platt's, for the losses that have one.

**Budget.** {n_results} results. Splits of each set: {splits}; the first is the authors'. Each loss tries {draws}
configurations in each protocol: the same trees and learning rate in the same draw, within the authors' ranges (learning
rate .03 to .3), and its own parameters from their lists; 100 rounds, of which {rounds} may be chosen. In the honest
protocol half of the draws bound the leaves (`max_delta_step`), for every loss alike. {versions}. Seed {seed}.

**Departures from the paper.** Its tables could not be consulted, only its code and abstract: its gain is what its
protocol gives here. Random search instead of 100 trials of Optuna; one fold of its five chooses, and the model chosen
is judged as it is; at most 100 rounds, not 1,000 with early stopping; several random splits, not one; no GPU and no
SketchBoost, so no multilabel sets. Classes of fewer than {smallest} rows are left out. Of protein homology {protein}
rows, split by group: at random, rows of one protein would be on both sides.

**Data.** {n_binary} of the paper's 15 binary sets and its {n_multiclass} multiclass sets come out of packages on the
index. Not to be had: {unreachable}. Glass and
yeast are put together from KEEL's imbalanced sets, which are cut from them (not from glass2, which is rounded
otherwise: its kind would stand out by that). The sets are few and small, and the intervals wide for it.

{sets}"""

NOTES = {
    "left": """## What is left of the gain

Gain in F1 over the cross-entropy (weighted by class where there are more than two). From left to right: the paper's
protocol; the same trained models with calibrated probabilities and tuned decisions; models trained and chosen by the
honest protocol, decided at .5; and decided with tuning. The last two columns are about the last gain.""",
    "never": """\
ROC AUC does not see the level of probabilities: it may choose a short training, after which few rare rows are above
.5. A loss that pushes probabilities up is spared that, and so is the cross-entropy with a tuned threshold. At worst F1
is 0; how often, two classes:""",
    "measures": """## Other measures, honest protocol

Gains over the cross-entropy with their intervals, the minimal detectable effect in brackets; of log-loss and
calibration error (ECE) the reduction. Below them mean ranks, 1 for the best.""",
    "means": """## The measures themselves

Means over sets and splits. *Plain*: sigmoid or softmax of the margin, decided at .5 or for the highest. *By link*: only
losses whose link has an exact inverse.""",
    "derivatives": """## Derivatives against differences

Gradient and Hessian of each loss against finite differences of order four of its formula, over probabilities from .007
to .993; agreement is a difference below {tolerance}. The formula of ASL is that of Ridnik et al. (ICCV 2021), negatives
shifted to max(p - m, 0); ACE and AWE are cases of it. Without a shift everything agrees.

With a shift, gbdtCBL takes the derivative as if the shifted probability were a sigmoid of the margin itself: the factor
(p - m)(1 - p + m) stands where p (1 - p) belongs. The gradient of a negative becomes p - m, which is that of a
cross-entropy that aims at m instead of 0. That is a sensible loss too, and one that does not forget hard negatives, but
it is not the one named; the remedy is a factor. ASL, ACE and AWE of this study are the ones of the package. Ours is
checked with `hessian="exact"`; training uses the expected one.""",
    "several": """For more classes no formula is needed to see whether derivatives belong to some loss: slopes of a
gradient are symmetric, and the Hessian is the gradient's own slope. Gradients of a loss of softmax probabilities also
add up to 0; where they do not, margins drift. gbdtCBL multiplies the true class's gradient alone by the weight r (WCE,
AWE) or another focusing power (ASL), and shifts the others' probabilities by m: these gradients point somewhere
sensible, but nothing is minimised by following them. The weight is the same for every class, so that WCE does not
favour the rare ones. Between the modules for LightGBM and XGBoost the largest difference is {same}.""",
}
