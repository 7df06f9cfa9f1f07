"""Table 5: AILS over the magnitude α of its offsets."""

from reports.tables.sweep import Column, Sweep

SWEEP = Sweep(
    number=5,
    parameter="alpha",
    symbol="α",
    values=(0.1, 0.3, 0.5, 0.7),
    columns=(
        Column("ACC", "metrics.acc", "acc"),
        Column("AUC", "metrics.auc", "auc"),
        Column(
            "FDI",
            "validation.fdi",
            "fdi",
            "mean ‖f' − f‖ over all rows, filtered ones 0, raw features (A20); fdi_accepted and "
            "fdi_rel are in the tidy CSV",
            ("validation.fdi_accepted", "validation.fdi_rel", "validation.accept_rate"),
        ),
        Column(
            "KL",
            "validation.kl_dim",
            "kl",
            "of q(δ|f) to the prior, mean over dimensions (A22); kl_sum and beta_kl are in the "
            "tidy CSV",
            ("validation.kl_sum", "validation.beta_kl"),
        ),
    ),
)

select, outputs = SWEEP.select, SWEEP.outputs
