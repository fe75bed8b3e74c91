"""Weather files as they come: markers, leap days, periods, encodings, design conditions; and what is none."""

import gzip

import numpy as np
import pytest

import twin

K = 273.15
HEATING = "1,-10,-8,-20,0.7,-5.5,-17,0.9,-5.4,12.6,0.5,11.3,0.4,3.2,320"
COOLING = (
    "7,11.5,35,24.8,33,24,32.3,23.6,26.3,32.3,25.6,31.2,24.9,30.1,3,240,"
    "24.9,20.3,29.1,23.9,19.1,28,23,17.9,27.1,82.4,32,79.1,30.6,76.2,30.5,29"
)
EXTREMES = "10.4,8.5,7.4,-13.8,37.1,2.9,1.2,-15.9,37.9,-17.6,38.6,-19.2,39.3,-21.3,40.1"
DESIGN = f"DESIGN CONDITIONS,1,made up,,Heating,{HEATING},Cooling,{COOLING},Extremes,{EXTREMES}"


def header(design="DESIGN CONDITIONS,0", periods="1,1,Data,Sunday, 1/ 1, 1/ 1", city="Nowhere"):
    return "\n".join(
        [
            f"LOCATION,{city},-,XXX,made up,000000,50.5,8.25,1.0,120.0",
            design,
            "TYPICAL/EXTREME PERIODS,0",
            "GROUND TEMPERATURES,0",
            "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0",
            'COMMENTS 1,"commas, in quotes"',
            "COMMENTS 2,",
            f"DATA PERIODS,{periods}",
        ]
    )


def record(date="2023,1,1", hour=1, **fields):
    """A line of 35 fields; those that are not named are 20 degC, dew point 10 degC, 50 %, 1,000 hPa, calm and dark."""
    values = ["0"] * 29
    named = {"dry": 0, "dew": 1, "rh": 2, "p": 3, "ghi": 7, "dni": 8, "dhi": 9, "direction": 14, "speed": 15}
    for name, value in ({"dry": 20, "dew": 10, "rh": 50, "p": 100000} | fields).items():
        values[named[name]] = str(value)
    return f"{date},{hour},60,?9?9?9?9E0," + ",".join(values)


def day(date="2023,1,1", **fields):
    return [record(date, hour, **fields) for hour in range(1, 25)]


@pytest.fixture
def read(tmp_path):
    def read(text, name="place.epw", encoding="utf-8"):
        raw = text if isinstance(text, bytes) else text.encode(encoding)
        (tmp_path / name).write_bytes(raw)
        return twin.weather(tmp_path / name)

    return read


def file(*lines, **more):
    return "\n".join([header(**more), *lines]) + "\n"


def test_quantities_are_in_si_units(read):
    w = read(file(*day(dry=30, dew=15, rh=40, p=95000, ghi=700, dni=600, dhi=100, direction=250, speed=3.5)))
    assert w.dry_bulb[0] == 303.15 and w.dew_point[0] == 288.15
    assert w.relative_humidity[0] == pytest.approx(0.4) and w.pressure[0] == 95000
    assert (w.ghi[0], w.dni[0], w.dhi[0], w.wind_direction[0], w.wind_speed[0]) == (700, 600, 100, 250, 3.5)
    assert w.wet_bulb[0] - K == pytest.approx(19.8976, abs=2e-3)  # PsychroLib 2.5
    assert (w.location.elevation, w.location.time_zone) == (120.0, 1.0)


def test_every_field_has_its_own_marker_of_what_is_missing(read):
    missing = dict(dry=99.9, dew=99.9, rh=999, p=999999, ghi=9999, dni=9999.0, dhi="", direction=999, speed=" 999. ")
    w = read(file(record(**missing), *day(speed=99)[1:]))
    for name in ("dry_bulb", "dew_point", "relative_humidity", "pressure", "ghi", "dni", "dhi"):
        assert np.isnan(getattr(w, name)[0]) and np.isfinite(getattr(w, name)[1:]).all(), name
    assert np.isnan([w.wind_direction[0], w.wind_speed[0], w.wet_bulb[0]]).all()
    assert w.wind_speed[1] == 99


def test_hours_with_something_missing_are_invalid_and_the_others_solved(read, small):
    lines = day()
    lines[7], lines[9] = record(hour=8, dew=99.9), record(hour=10, p=999999)
    result = twin.solve(small, read(file(*lines)).scenarios())
    assert list(np.flatnonzero(result["status"].values)) == [7, 9]
    assert result["reason"].values[7].startswith("site.dew_point")
    assert result["reason"].values[9].startswith("site.pressure")


def test_scenarios_are_of_the_fields_that_are_named(read, small):
    w = read(file(*day()))
    assert list(w.scenarios("dry_bulb", "wet_bulb")) == ["scenario", "site.dry_bulb", "site.wet_bulb"]
    with pytest.raises(ValueError, match=r"place.epw: 'dry_blub' is no field of the site"):
        w.scenarios("dry_blub")
    with pytest.raises(
        ValueError, match=r"place.epw: no record has a pressure; name the fields that it has, of dry_bulb"
    ):
        read(file(*day(p=999999))).scenarios()


def test_leap_days_are_days(read):
    lines = [*day("2020,2,28"), *day("2020,2,29"), *day("2020,3,1")]
    w = read(file(*lines, periods="1,1,Data,Sunday,2/28,3/1"))
    assert (np.diff(w.time) == np.timedelta64(1, "h")).all()
    without = read(file(*day("2020,2,28"), *day("2020,3,1"), periods="1,1,Data,Sunday,2/28,3/1"))
    assert len(without.time) == 48


def test_years_and_periods_may_follow_each_other(read):
    new_year = read(file(*day("2020,12,31"), *day("2009,1,1"), periods="1,1,Data,Sunday,12/31,1/1"))
    assert [str(t)[:10] for t in new_year.time[[23, 24]]] == ["2020-12-31", "2009-01-01"]
    two = read(file(*day("2020,2,3"), *day("2020,8,9"), periods="2,1,cold,Monday,2/3,2/3,hot,Sunday,8/9/2020,8/9/2020"))
    assert [str(t)[:10] for t in two.time[[23, 24]]] == ["2020-02-03", "2020-08-09"]


def test_records_within_an_hour_follow_each_other(read):
    lines = [line for hour in range(1, 25) for line in [record(hour=hour)] * 4]
    w = read(file(*lines, periods="1,4,Data,Sunday,1/1,1/1"))
    assert (np.diff(w.time) == np.timedelta64(15, "m")).all()
    assert str(w.time[0]) == "2023-01-01T00:00:00"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_files_are_read_in_the_encodings_they_come_in(read, encoding, end):
    text = file(*day(), city="São Tomé\x85").replace("\n", end)
    w = read(text, encoding=encoding)
    assert w.location.city == "São Tomé" and len(w.time) == 24


def test_a_gzipped_file_is_read(read):
    assert len(read(gzip.compress(file(*day()).encode()), "place.epw.gz").time) == 24


# ---- design conditions -------------------------------------------------------------------------------------------


def test_design_conditions_are_found_by_name(read):
    design = read(file(*day(), design=DESIGN)).design
    assert list(design) == ["99.6%", "99%", "0.4%", "1%", "2%", "mean", "n5", "n10", "n20", "n50"]
    celsius = lambda state: tuple(round(v - K, 6) for v in state.values())  # noqa: E731
    assert celsius(design["0.4%"].cooling) == (35.0, 24.8)
    assert celsius(design["2%"].cooling) == (32.3, 23.6)
    assert celsius(design["0.4%"].evaporation) == (32.3, 26.3)
    assert celsius(design["1%"].evaporation) == (31.2, 25.6)
    assert celsius(design["0.4%"].dehumidification) == (29.1, 24.9)
    assert celsius(design["2%"].dehumidification) == (27.1, 23.0)
    assert celsius(design["99.6%"].heating) == (-10.0,) and celsius(design["99%"].heating) == (-8.0,)
    assert celsius(design["99.6%"].humidification) == (-5.5, -20.0)
    assert celsius(design["99%"].humidification) == (-5.4, -17.0)
    assert celsius(design["mean"].hottest) == (37.1,) and celsius(design["mean"].coldest) == (-13.8,)
    assert celsius(design["n20"].hottest) == (39.3,) and celsius(design["n20"].coldest) == (-19.2,)
    assert celsius(design["n50"].hottest) == (40.1,) and celsius(design["n5"].coldest) == (-15.9,)
    assert design["0.4%"].heating == {}


def test_design_conditions_are_scenarios(read, small):
    result = twin.solve(small, read(file(*day(), design=DESIGN)).design["0.4%"].evaporation)
    assert result.plant.site.wet_bulb[0, 0] == pytest.approx(26.3 + K)


@pytest.mark.parametrize(
    "design",
    [
        DESIGN.replace(HEATING, HEATING + ",0.434"),  # 2021
        DESIGN.replace("Extremes,10.4,8.5,7.4,", "Extremes,10.4,8.5,7.4,29.9,"),  # 2009 and 2013
        DESIGN.replace(",1,made up", ",2,made up")
        + f",second,,Heating,{HEATING},Cooling,{COOLING},Extremes,{EXTREMES}",
    ],
    ids=["wind shelter factor", "extreme wet bulb", "two sets"],
)
def test_every_form_of_design_conditions_since_2009_is_read(read, design):
    found, known = (read(file(*day(), design=d)).design for d in (design, DESIGN))
    assert found == known


def test_what_design_conditions_leave_out_is_left_out(read):
    design = read(file(*day(), design=DESIGN.replace("35,24.8", "35,"))).design
    assert design["0.4%"].cooling == {} and design["1%"].cooling
    assert read(file(*day())).design == {}


def test_design_conditions_of_another_form_are_refused_when_asked_for(read):
    w = read(file(*day(), design=DESIGN.replace("7,11.5,", "")))
    with pytest.raises(ValueError, match=r"place.epw:2: design conditions of \[15, 30, 15\] values"):
        _ = w.design


# ---- what is no weather file -------------------------------------------------------------------------------------


def spoilt(line):
    """A day whose fourth record is another line, the twelfth of the file."""
    return file(*day()[:3], line, *day()[4:])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("time,temperature\n1,2\n", ":1: not an EPW file: it begins with 'time,temperature'"),
        ("", ":1: not an EPW file"),
        (header().replace("DATA PERIODS", "DATA"), ":8: 'DATA,1,1,Data,Sunday, 1/ 1, 1/' is no line of an EPW header"),
        (header().rpartition("\n")[0], ": not an EPW file: no line DATA PERIODS"),
        (header(), ":9: the end of the file: records are missing"),
        (file(*day()).replace(",50.5,", ",north,"), ":1: latitude: 'north' is not a number"),
        (file(*day()).replace(",8.25,1.0,120.0", ""), ":1: LOCATION ends before longitude"),
        (file(*day()[:-1]), ":32: after 2023,1,1,23, the end of the file: records are missing"),
        (file(*day()[:4], *day()[5:]), ":13: after 2023,1,1,4, 2023,1,1,6: records are missing or out of order"),
        (file(*day("2023,1,2")), ":9: 2023,1,2,1: records are missing or out of order"),
        (file(*day(), *day("2023,1,2")), ":57: after 2023,1,2,24, the end of the file"),
        (file(*day("2023,2,29"), periods="1,1,-,-,2/29,2/29"), ":9: no date and hour from 1 to 24: 2023,2,29,1"),
        (file(record("2023,1,1.5"), *day()), ":9: no date and hour from 1 to 24: 2023,1,1.5,1"),
        (file(record(",1,1"), *day()), ":9: no date and hour from 1 to 24: ,1,1,1"),
        (file(record(hour=0), *day()), ":9: no date and hour from 1 to 24: 2023,1,1,0"),
        (spoilt(record(hour=4, dry="warm")), ":12: dry bulb temperature: 'warm' is not a number"),
        (spoilt(record(hour=4, dry=-999)), ":12: dry bulb temperature -999 is outside -70 to 70; write 99.9 where"),
        (spoilt("2023,1,1,4,60"), ":12: a record of 5 fields; an EPW file has 35"),
        (file(*day(p=1013)), ":9: atmospheric pressure 1013 is outside 31000 to 120000; write 999999 where"),
        (file(*day(), periods="1,7,-,-,1/1,1/1"), ":8: DATA PERIODS: give their number, records per hour"),
        (file(*day(), periods="1,1,-,-,13/1,13/1"), ":8: DATA PERIODS: a first or last day is no month/day"),
        (file(*day(), periods="1,2,-,-,1/1,1/1"), ":10: after 2023,1,1,1, 2023,1,1,2: records are missing"),
    ],
)
def test_what_is_no_weather_file_is_told_with_its_line(read, text, found):
    with pytest.raises(ValueError) as error:
        read(text)
    assert str(error.value).startswith("place.epw" + found)


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere.epw: cannot be read: No such file"):
        twin.weather(tmp_path / "nowhere.epw")
    (tmp_path / "broken.epw.gz").write_bytes(gzip.compress(b"LOCATION" * 100)[:30])
    with pytest.raises(ValueError, match=r"broken.epw.gz: cannot be read: "):
        twin.weather(tmp_path / "broken.epw.gz")
