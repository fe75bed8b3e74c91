"""Hourly files of a grid: what they say, and on which hour of another year."""

import numpy as np
import pytest

import twin

HEAD = "Datetime (UTC),Carbon Intensity gCO₂eq/kWh (direct),Carbon Intensity gCO₂eq/kWh (LCA),Data Estimated"
PRICES = "Datetime (UTC),Datetime (Local),Price (USD/MWh)"


def stamps(year, count=None):
    first = np.datetime64(f"{year}-01-01", "h")
    every = np.arange(first, np.datetime64(f"{year + 1}-01-01", "h"))
    return every if count is None else first + np.arange(count)


def carbon_text(year=2024, count=None):
    """Direct carbon of 100 g/kWh plus the number of the hour, by life cycle 1,000 more."""
    times = (str(t).replace("T", " ") + ":00:00" for t in stamps(year, count))
    return "\n".join([HEAD, *(f"{t},{100 + i},{1100 + i},false" for i, t in enumerate(times))]) + "\n"


@pytest.fixture
def carbon(tmp_path):
    path = tmp_path / "carbon.csv"
    path.write_text(carbon_text(), "utf-8")
    return path


def local(year, text):
    return np.array([f"{year}-{text}"], "M8[s]")


def test_values_and_their_accounting(carbon):
    direct, life = (twin.hourly(carbon, "carbon", a) for a in ("direct", "life_cycle"))
    assert len(direct.time) == 8784 and direct.column.endswith("(direct)")
    np.testing.assert_allclose(direct.values[:2] * 3.6e9, [100, 101])
    np.testing.assert_allclose(life.values[5] * 3.6e9, 1105)


@pytest.mark.parametrize(
    ("zone", "when", "hour"),
    [
        (0.0, "01-01T00:00", 0),
        (-5.0, "01-01T00:00", 5),
        (1.0, "01-01T01:00", 0),
        (1.0, "01-01T00:00", 8783),  # the hour before the file begins is its last
        (-5.0, "12-31T20:00", 1),  # and an hour after its end its second
        (0.0, "02-28T23:00", 58 * 24 + 23),
        (0.0, "03-01T00:00", 60 * 24),  # 29 February is between them in the file
        (5.5, "07-01T12:30", (31 + 29 + 31 + 30 + 31 + 30) * 24 + 7),
    ],
)
@pytest.mark.parametrize("year", [2001, 2017])
def test_an_hour_of_another_year_by_its_date_and_hour(carbon, zone, when, hour, year):
    found = twin.hourly(carbon, "carbon").on(local(year, when), zone).values
    assert found[0] * 3.6e9 == pytest.approx(100 + hour)


def test_what_was_done_is_told(carbon):
    year = stamps(2001).astype("M8[s]")
    notes = twin.hourly(carbon, "carbon").on(year, -5.0).notes
    assert "of 2024 in UTC, shifted by +5 h" in notes[0]
    assert "5 hours beyond its end" in notes[1] and "29 February is left out" in notes[2]
    leap = stamps(2020).astype("M8[s]")
    assert not any("29 February" in n for n in twin.hourly(carbon, "carbon").on(leap, 0.0).notes)


def test_a_common_year_lends_its_28_february(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text(carbon_text(2023), "utf-8")
    found = twin.hourly(path, "carbon").on(np.array(["2024-02-29T06:00", "2024-03-01T00:00"], "M8[s]"), 0.0)
    np.testing.assert_allclose(found.values * 3.6e9, 100 + np.array([58 * 24 + 6, 59 * 24]))
    assert any("28 February stands for it" in note for note in found.notes)


def test_prices_with_offsets_and_below_zero(tmp_path):
    path = tmp_path / "p.csv"
    rows = [f"{t}:00:00+00:00,x,{-5.5 if i == 3 else 40}" for i, t in enumerate(stamps(2024))]
    path.write_text("\n".join([PRICES, *rows]), "utf-8")
    found = twin.hourly(path, "price")
    np.testing.assert_allclose(found.values[[2, 3]] * 3.6e9, [40, -5.5])
    assert "1 hours have negative values" in found.on(stamps(2001).astype("M8[s]"), 0.0).notes[-1]
    shifted = [f"{t}:00:00+02:00,{i}" for i, t in enumerate(stamps(2024))]
    path.write_text("\n".join(["when,USD/MWh", *shifted]), "utf-8")
    assert str(twin.hourly(path, "price").time[0]) == "2023-12-31T22:00:00"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.replace("gCO₂eq/kWh", "index"), "no column with a carbon"),
        (lambda t: t.replace("Datetime (UTC)", "when"), "no times in UTC"),
        (lambda t: t.replace(",103,", ",,"), ":5: Carbon Intensity"),
        (lambda t: t.replace(",103,", ",nan,"), ":5: Carbon Intensity"),
        (lambda t: t.replace("2024-01-01 03:00:00", "noon"), ":5: 'noon' is no time"),
        (
            lambda t: t.replace("2024-01-01 03:00:00", "2024-01-01 04:00:00"),
            ":5: 2024-01-01T04:00:00 does not come an hour",
        ),
        (lambda t: t.replace("2024-01-01 03:00:00,103,1103,false", "2024-01-01 03:00:00,103"), ":5: 2 fields"),
        (lambda t: "\n".join(t.splitlines()[:5000]), "has 4,999 hours; a year has 8,760"),
        (lambda t: "", "has no rows"),
    ],
)
def test_what_is_no_year_of_hours_is_told_with_its_line(tmp_path, change, says):
    path = tmp_path / "c.csv"
    path.write_text(change(carbon_text()), "utf-8")
    with pytest.raises(ValueError) as told:
        twin.hourly(path, "carbon")
    assert says in str(told.value) and "c.csv" in str(told.value)


def test_a_missing_file_and_an_unknown_accounting_are_told(tmp_path, carbon):
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        twin.hourly(tmp_path / "no.csv", "carbon")
    with pytest.raises(ValueError, match="none of direct, life_cycle"):
        twin.hourly(carbon, "carbon", "guessed")


def test_pounds_are_pounds(tmp_path):
    path = tmp_path / "c.csv"
    rows = [f"{t}:00:00,1000" for t in stamps(2023)]
    path.write_text("\n".join(["Datetime (UTC),lb/MWh", *rows]), "utf-8")
    np.testing.assert_allclose(twin.hourly(path, "carbon").values, 453.59237 / 3.6e9)
