"""What a user may set of what is done across strategies: portfolios of them, their stability.

The block `combined` of strategies.yaml. How it is used stands in `backtests/combined/`.
"""

from pydantic import Field, model_validator

from quant_assets.settings_files import Block


class CombinedSettings(Block):
    """Windows in sessions, costs in basis points of the value moved between strategies.

    `window` is what is known of a strategy when weights are decided, `minimum_sessions` how much of
    it there must be before a strategy joins. `regime_window` is the longer past in which days of
    the present regime are looked for, `regime_sessions` how many of them there must be.
    `resamples` and `block` (mean length of a block, None: chosen from the data) are those of the
    bootstrap, `seed` makes it repeatable.
    """

    window: int = Field(252, ge=20, le=2520)
    minimum_sessions: int = Field(126, ge=10, le=2520)
    regime_window: int = Field(756, ge=60, le=7560)
    regime_sessions: int = Field(63, ge=10, le=2520)
    switching_bps: float = Field(10.0, ge=0, le=500)
    resamples: int = Field(2000, ge=100, le=100_000)
    block: float | None = Field(None, ge=1, le=2520)
    seed: int = Field(7, ge=0)

    @model_validator(mode="after")
    def _windows_hold_what_they_must(self) -> "CombinedSettings":
        for need, window in (
            ("minimum_sessions", "window"),
            ("regime_sessions", "regime_window"),
            ("window", "regime_window"),
        ):
            if getattr(self, need) > getattr(self, window):
                raise ValueError(
                    f"{need} must be at most {window}, {getattr(self, window)}. "
                    f"Got {getattr(self, need)} instead"
                )
        return self
