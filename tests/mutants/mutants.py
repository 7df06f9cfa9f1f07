"""Faults that a test must find: each is planted alone, and its tests must fail (`run.py`)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """What is wrong, where: `old` occurs once in `file`. `tests` are what pytest is given."""

    what: str
    file: str
    old: str
    new: str
    tests: str


DATA = "tests/data/test_data.py"
DECAY = "tests/training/test_decay.py"
EVALUATION = "tests/training/test_evaluation.py"
EXECUTE = "tests/training/test_execute.py"
METRICS = "tests/test_metrics.py"
PAIRED = "tests/stats/test_stats.py"
STREAMS = "tests/base/test_streams.py"
TRAINER = "tests/training/test_trainer.py"

TRAINING = [
    Mutant(
        "scores in training mode",
        "bench/training/evaluation.py",
        "    model.eval()\n",
        "",
        EVALUATION,
    ),
    Mutant(
        "softmax of multi-label logits",
        "bench/training/evaluation.py",
        "scores.sigmoid() if",
        "scores.softmax(1) if",
        EVALUATION,
    ),
    Mutant(
        "validation metrics of the training split",
        "bench/training/trainer.py",
        "validated(training, validation, rule, last)",
        "validated(training, train, rule, last)",
        EVALUATION,
    ),
    Mutant(
        "test metrics of the validation split",
        "bench/training/execute.py",
        'dataset.split("test"), dataset.info.task',
        'dataset.split("val"), dataset.info.task',
        f"{EXECUTE}::test_the_test_split_is_opened_once_and_after_selection",
    ),
    Mutant(
        "weight decay ignored",
        "bench/training/decay.py",
        "(decayed, protocol.weight_decay)",
        "(decayed, 0.0)",
        DECAY,
    ),
    Mutant(
        "biases decay under decay: weights",
        "bench/training/decay.py",
        "weight.ndim <= 1 or name",
        "weight.ndim < 1 or name",
        DECAY,
    ),
    Mutant(
        "the last of equal epochs is selected",
        "bench/training/state.py",
        'value > self.best["value"]',
        'value >= self.best["value"]',
        EVALUATION,
    ),
    Mutant(
        "the highest loss is selected",
        "bench/training/state.py",
        "return value if metric.higher_is_better else -value",
        "return value",
        EVALUATION,
    ),
    Mutant(
        "the last weights are tested, not the selected ones",
        "bench/training/trainer.py",
        '    model.load_state_dict(training.best["model"])\n',
        "",
        f"{EXECUTE}::test_the_selected_weights_are_those_that_are_tested",
    ),
    Mutant(
        "gradients are not clipped",
        "bench/training/trainer.py",
        "if protocol.grad_clip:",
        "if not protocol.grad_clip and False:",
        TRAINER,
    ),
    Mutant(
        "bf16 trains in float32",
        "bench/training/trainer.py",
        'enabled=protocol.precision == "bf16"',
        "enabled=False",
        TRAINER,
    ),
    Mutant(
        "dropout goes on from the method's own seed",
        "bench/training/trainer.py",
        "    torch.manual_seed(run.streams.dropout)\n",
        "",
        TRAINER,
    ),
    Mutant(
        "a resumed run forgets the state of dropout",
        "bench/training/state.py",
        '        torch.set_rng_state(state["random"])\n',
        "",
        TRAINER,
    ),
    Mutant(
        "the first step of the warm-up has rate 0",
        "bench/training/schedule.py",
        "(step + 1) / warmup",
        "step / warmup",
        TRAINER,
    ),
    Mutant(
        "every epoch has the same order",
        "bench/training/schedule.py",
        "stream(seed, epoch)",
        "stream(seed)",
        TRAINER,
    ),
    Mutant(
        "a last batch of one image is kept",
        "bench/training/schedule.py",
        "rest >= SMALLEST_BATCH",
        "rest >= 1",
        TRAINER,
    ),
    Mutant(
        "initial weights and the subset share a stream",
        "bench/base/streams.py",
        '_named("init")',
        '_named("subset")',
        STREAMS,
    ),
    Mutant(
        "subsets of a seed are not nested",
        "bench/training/execute.py",
        "run.cell.ratio, run.streams.subset",
        "run.cell.ratio, run.streams.subset + int(100 * run.cell.ratio)",
        f"{EXECUTE}::test_a_smaller_subset_of_a_seed_is_part_of_a_larger_one",
    ),
]

DATASETS = [
    Mutant(
        "subsets are rounded down",
        "bench/data/dataset.py",
        "math.floor(ratio * len(rows) + 0.5)",
        "math.floor(ratio * len(rows))",
        DATA,
    ),
    Mutant(
        "a small subset may lack a class",
        "bench/data/dataset.py",
        "rows[: max(1, ",
        "rows[: max(0, ",
        DATA,
    ),
    Mutant(
        "images end at 255/256",
        "bench/base/split.py",
        "div_(255)",
        "div_(256)",
        DATA,
    ),
    Mutant(
        "a subset of a subset is of the whole",
        "bench/base/split.py",
        "self.targets[indices], self._rows[indices]",
        "self.targets[indices], indices",
        DATA,
    ),
]

NUMBERS = [
    Mutant(
        "a label at 0.5 is found",
        "bench/metrics.py",
        "return scores > 0.5\n",
        "return scores >= 0.5\n",
        METRICS,
    ),
    Mutant(
        "Brier averages over classes",
        "bench/metrics.py",
        ".sum(1).mean())",
        ".mean(1).mean())",
        METRICS,
    ),
    Mutant(
        "κ of grades without weights",
        "bench/metrics.py",
        '"quadratic" if task is Task.ORDINAL else None',
        "None",
        METRICS,
    ),
    Mutant(
        "SD of the population",
        "bench/stats/paired.py",
        "float(x.std(ddof=1))",
        "float(x.std(ddof=0))",
        PAIRED,
    ),
    Mutant(
        "Holm is Bonferroni",
        "bench/stats/paired.py",
        "(len(p_values) - rank) *",
        "len(p_values) *",
        PAIRED,
    ),
    Mutant(
        "intervals of 90 %",
        "bench/stats/paired.py",
        "special.stdtrit(n - 1, 1 - ALPHA / 2)) * sd",
        "special.stdtrit(n - 1, 1 - ALPHA)) * sd",
        PAIRED,
    ),
    Mutant(
        "a signed-rank p of one side",
        "bench/stats/paired.py",
        "min(1.0, 2 * float(min(",
        "min(1.0, float(min(",
        PAIRED,
    ),
    Mutant(
        "power of one pair fewer",
        "bench/stats/paired.py",
        "n * d_z**2, critical",
        "(n - 1) * d_z**2, critical",
        PAIRED,
    ),
    Mutant(
        "the worst method has rank 1",
        "bench/stats/across.py",
        "stats.rankdata(-values",
        "stats.rankdata(values",
        "tests/stats/test_across.py",
    ),
    Mutant(
        "Nemenyi's difference is √2 too large",
        "bench/stats/across.py",
        " / math.sqrt(2)\n",
        "\n",
        "tests/stats/test_across.py",
    ),
    Mutant(
        "images that two seeds share count as if each seed had its own",
        "bench/stats/crossed.py",
        "float(together - alone) / (len(d) * (len(d) - 1))",
        "float(together) / len(d) ** 2",
        "tests/stats/test_crossed.py",
    ),
    Mutant(
        "DeLong's components of negatives have the sign of positives",
        "bench/stats/crossed.py",
        "((positive, 1), (~positive, -1))",
        "((positive, 1), (~positive, 1))",
        "tests/stats/test_crossed.py",
    ),
    Mutant(
        "a look spends the error of all seeds",
        "bench/stats/sequential.py",
        "return alpha * t\n",
        "return alpha\n",
        "tests/stats/test_sequential.py",
    ),
    Mutant(
        "one of the two one-sided tests is left out",
        "bench/stats/equivalence.py",
        "margin - abs(float(d.mean()))",
        "margin - float(d.mean())",
        "tests/stats/test_equivalence.py",
    ),
    Mutant(
        "four seeds decide",
        "bench/stats/verdict.py",
        "FEWEST = 5\n",
        "FEWEST = 4\n",
        "tests/stats/test_verdict.py",
    ),
]

METHODS = [
    Mutant(
        "BSDA: L_rec without ½",
        "methods/bsda.py",
        "square().mean() / 2,",
        "square().mean(),",
        "tests/methods/test_bsda.py",
    ),
    Mutant(
        "BSDA: the mask is a > 0",
        "methods/bsda.py",
        "self.dropped(offsets) * (features != 0)",
        "self.dropped(offsets) * (features > 0)",
        "tests/methods/test_bsda.py",
    ),
    Mutant(
        "MedAugment: shear along y the other way",
        "methods/medaugment.py",
        "yx=-degrees",
        "yx=degrees",
        "tests/methods/test_medaugment.py",
    ),
    Mutant(
        "MedAugment: all blur kernels alike",
        "methods/medaugment.py",
        '"blur": (2,',
        '"blur": (1,',
        "tests/methods/test_medaugment.py",
    ),
    Mutant(
        "MedAugment: maps in the other order",
        "methods/medaugment.py",
        "picked[2] @ picked[1] @ picked[0]",
        "picked[0] @ picked[1] @ picked[2]",
        "tests/methods/test_medaugment.py",
    ),
    Mutant(
        "StyleGAN2: R1 counts once",
        "methods/generative/gan_training.py",
        "penalty * R1_INTERVAL",
        "penalty",
        "tests/methods/test_stylegan2.py",
    ),
    Mutant(
        "StyleGAN2: samples of the raw weights",
        "methods/stylegan2_ada.py",
        "Sampling(trained.average",
        "Sampling(trained.generator",
        "tests/methods/test_stylegan2.py",
    ),
    Mutant(
        "StyleGAN2: the border of a doubled image is repeated",
        "methods/generative/stylegan2.py",
        "            image = doubled(image)",
        '            image = F.interpolate(image, scale_factor=2, mode="bilinear")',
        "tests/methods/test_stylegan2.py",
    ),
    Mutant(
        "StyleGAN2: G's rate is not scaled",
        "methods/generative/gan_training.py",
        "share = interval / (interval + 1)",
        "share = 1.0",
        "tests/methods/test_stylegan2.py",
    ),
    Mutant(
        "ADA: p moves four times too slowly",
        "methods/generative/ada.py",
        "above * len(signs) /",
        "above * len(logits) /",
        "tests/methods/test_ada.py",
    ),
    Mutant(
        "DDPM: the network's noise beside a clipped image",
        "methods/generative/diffusion.py",
        "use_clipped_model_output=True",
        "use_clipped_model_output=False",
        "tests/methods/test_ddpm.py",
    ),
    Mutant(
        "DDPM: samples of the raw weights",
        "methods/generative/diffusion.py",
        "        self.average.copy_to(self.net.parameters())\n",
        "",
        "tests/methods/test_ddpm.py",
    ),
    Mutant(
        "synthetic images keep the labels of those they replace",
        "methods/generative/method.py",
        "targets.index_copy(0, rows, labels.to(targets)),",
        "targets,",
        "tests/methods/test_generative.py",
    ),
    Mutant(
        "Mixup: the targets are mixed the other way",
        "methods/mixup.py",
        "torch.lerp(rows[partner], rows, lam)",
        "torch.lerp(rows, rows[partner], lam)",
        "tests/methods/test_mixup.py",
    ),
    Mutant(
        "CutMix: targets by lam, not by the area",
        "methods/cutmix.py",
        "rows[partner], pasted)",
        "rows[partner], 1 - lam)",
        "tests/methods/test_cutmix.py",
    ),
    Mutant(
        "FMix: noise is not isotropic",
        "methods/fmix.py",
        "torch.hypot(y[:, None], x)",
        "torch.hypot(y[:, None], 1.1 * x)",
        "tests/methods/test_fmix.py",
    ),
    Mutant(
        "ISDA: covariances forget how means differ",
        "methods/isda.py",
        "+= weight * (1 - weight) *",
        "+= 0 * weight *",
        "tests/methods/test_isda.py",
    ),
    Mutant(
        "ISDA: a label that is there is made easier",
        "methods/isda.py",
        "torch.where(targets == 1, -having",
        "torch.where(targets == 1, having",
        "tests/methods/test_isda.py",
    ),
    Mutant(
        "AdvProp: the attack descends",
        "methods/advprop.py",
        "moved + step * slope.sign()",
        "moved - step * slope.sign()",
        "tests/methods/test_advprop.py",
    ),
    Mutant(
        "AdvProp: the attack sees the clean BatchNorm",
        "methods/advprop.py",
        'in_state(model, "adv")',
        'in_state(model, "clean")',
        "tests/methods/test_advprop.py",
    ),
    Mutant(
        "AILS: the filter keeps what it should reject",
        "methods/ails.py",
        "accepted = cosine >= tau\n",
        "accepted = cosine < tau\n",
        "tests/methods/test_ails.py",
    ),
    Mutant(
        "AILS: offsets without α",
        "methods/ails.py",
        "augmented = self.move(rows, p.alpha * view.delta)",
        "augmented = self.move(rows, view.delta)",
        "tests/methods/test_ails.py",
    ),
    Mutant(
        "AILS: the classifier is in float32 under bf16",
        "methods/ails.py",
        "            with caller:\n",
        "            with torch.autocast(device, enabled=False):\n",
        "tests/methods/test_ails.py",
    ),
    Mutant(
        "AILS: the scale of the offsets passes a gradient",
        "methods/ails.py",
        "gain = rms(f.detach())",
        "gain = rms(f)",
        "tests/methods/test_ails.py",
    ),
    Mutant(
        "AILS: KL without ½",
        "methods/parts/posterior.py",
        "(mean.square() + log_var.expm1() - log_var).sum(1) / 2",
        "(mean.square() + log_var.expm1() - log_var).sum(1)",
        "tests/methods/test_ails.py",
    ),
]

DEFECTS = [
    Mutant(
        "Mixup: 5 % of the pairs have other labels",
        "methods/mixup.py",
        "torch.lerp(rows[partner], rows, lam)",
        "torch.lerp(rows[torch.where(torch.arange(len(rows)) % 20 > 0, partner, 0)], rows, lam)",
        "tests/methods/test_mixup.py",
    ),
    Mutant(
        "AILS: λ is dropped",
        "methods/ails.py",
        "p.lam * inv, logs",
        "inv, logs",
        "tests/methods/test_ails.py",
    ),
    Mutant(
        "half the learning rate",
        "bench/training/schedule.py",
        "protocol.lr * 0.5 * (1",
        "protocol.lr * 0.25 * (1",
        TRAINER,
    ),
    Mutant(
        "label smoothing is left on",
        "methods/method.py",
        "reduction=reduction, label_smoothing=smoothing)",
        "reduction=reduction, label_smoothing=0.1)",
        "tests/methods/test_method.py",
    ),
    Mutant(
        "AdvProp evaluates with its auxiliary BatchNorm",
        "methods/parts/dual_batchnorm.py",
        'if self.state == "adv":',
        'if self.state == "adv" or not self.training:',
        "tests/methods/test_advprop.py",
    ),
    Mutant(
        "the test split selects",
        "bench/training/execute.py",
        'dataset.split("val")',
        'dataset.split("test")',
        EXECUTE,
    ),
]
"""What `bench check` is to find too."""
MUTANTS = [*TRAINING, *DATASETS, *NUMBERS, *METHODS, *DEFECTS]
