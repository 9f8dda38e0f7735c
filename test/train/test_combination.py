"""The choice of a provider on figures made up for the purpose."""

from hnseg_train.combination import choose


def test_the_better_model_provides() -> None:
    assert choose({"2d": 0.80, "3d": 0.85}, "2d") == "3d"


def test_the_published_model_wins_within_the_margin() -> None:
    assert choose({"2d": 0.800, "3d": 0.804}, "2d") == "2d"
    assert choose({"2d": 0.800, "3d": 0.806}, "2d") == "3d"


def test_without_figures_the_published_model_stays() -> None:
    assert choose({}, "3d_small") == "3d_small"
