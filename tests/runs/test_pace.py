import pytest

from keras_vit.runs.pace import PaceLine, duration


def line_of(groups, seconds_a_step, steps, capsys):
    """What is printed where each call takes so many steps."""
    done = 0
    pace = PaceLine("digits", steps, clock=lambda: seconds_a_step * done)
    for group in groups:
        done += group
        pace.on_train_batch_end(done - 1)
    return capsys.readouterr().out.strip()


@pytest.mark.parametrize("groups", [(1,) * 20, (4,) * 6, (50, 50)])
def test_it_says_once_how_long_the_training_takes(groups, capsys):
    said = line_of(groups, 0.5, 720, capsys)
    expected = "digits: 0.50 s a step here; the 720 steps of the training take about 6 min"
    assert said == expected


def test_a_training_that_is_over_at_once_says_nothing(capsys):
    assert line_of((1,) * 10, 0.5, 10, capsys) == ""


@pytest.mark.parametrize(
    ("seconds", "said"), [(40, "40 s"), (99.4, "99 s"), (540, "9 min"), (9000, "2.5 h")]
)
def test_durations(seconds, said):
    assert duration(seconds) == said
