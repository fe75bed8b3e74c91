"""Cooling: chillers, their curves and what lies beyond them."""

# ruff: noqa: E501
# fmt: off

OUTDOOR = "twin/components/outdoor.py"
DATA = "layouts/hardware/curves/chillers.yaml"
CHILLERS = "twin/domains/chillers.py"
REJECTION = "twin/domains/rejection.py"
CURVES = "twin/components/curves.py"

MUTANTS = [
    (OUTDOOR, "thin = rejection.AIR_APPROACH * (STANDARD_PRESSURE / t.site.pressure - 1.0)", "thin = 0.0 * t.site.pressure", ('physics/test_chillers.py',), "#158#"),
    (OUTDOOR, "cls.law(t, t.site.intake + thin)", "cls.law(t, t.site.dry_bulb + thin)", ('physics/test_chillers.py',), "#159#"),
    (OUTDOOR, "stage_up: Fraction = Field(0.9,", "stage_up: Fraction = Field(0.8,", ('physics/test_chillers.py',), "#160#"),
    (OUTDOOR, "resistance = t.condenser_drop / (t.units * t.condenser_flow) ** 2", "resistance = t.condenser_drop / t.condenser_flow ** 2", ('physics/test_chillers.py',), "#161#"),
    (OUTDOOR, "write(Heat(sink, columns.cooler.rejected[rows]))", "write(Heat(sink, columns.cooler.duty[rows]))", ('physics/test_chillers.py',), "#162#"),
    (DATA, "part_load_curve: [0.0, 1.0, 0.0]", "part_load_curve: [0.1, 0.9, 0.0]", ('physics/test_chillers.py',), "#223#"),
    (DATA, "part_load_curve: [0.2735485, 0.2163041, 0.5099054]", "part_load_curve: [0.0, 1.0, 0.0]", ('physics/test_chillers.py',), "#224#"),
    (DATA, "part_load_curve: [0.2334262, 0.3926783, 0.373132]", "part_load_curve: [0.2734262, 0.3526783, 0.373132]", ('physics/test_chillers.py',), "#225#"),
    (DATA, "part_load_curve: [0.08788698, 0.2678891, 0.644518]", "part_load_curve: [0.08788698, 0.3678891, 0.544518]", ('physics/test_chillers.py',), "#226#"),
    (DATA, "part_load_curve: [0.1626466, 0.790355, 0.04770888]", "part_load_curve: [0.2626466, 0.690355, 0.04770888]", ('physics/test_chillers.py',), "#227#"),
    (DATA, "cop: 6.32", "cop: 6.1", ('physics/test_chillers.py',), "#246#"),
    (DATA, "cop: 6.88\n  leaving: 6.67 degC\n  entering: 26.11 degC", "cop: 6.88\n  leaving: 6.67 degC\n  entering: 29.4 degC", ('physics/test_chillers.py',), "#247#"),
    (DATA, "leaving: 5.56 degC", "leaving: 6.67 degC", ('physics/test_chillers.py',), "#248#"),
    (DATA, "[6.7 degC, 12.2 degC]\n  entering_range: [12.8 degC, 23.9 degC]", "[6.7 degC, 12.2 degC]\n  entering_range: [12.8 degC, 29.4 degC]", ('physics/test_chillers.py',), "#249#"),
    (DATA, "-0.3479426, 0.0637388", "-0.3479426, 0.0638388", ('physics/test_chillers.py',), "#368#"),
    (DATA, "0.0891348, 0.0280734", "0.0891348, 0.0281734", ('physics/test_chillers.py',), "#369#"),
    (DATA, "1.034673, -0.01091064", "1.034673, -0.01081064", ('physics/test_chillers.py',), "#370#"),
    (DATA, "0.8326094, -6.056615e-3", "0.8326094, -6.156615e-3", ('physics/test_chillers.py',), "#371#"),
    (DATA, "-3.164992e-3, 0.05722234", "-3.164992e-3, 0.05752234", ('physics/test_chillers.py',), "#372#"),
    (DATA, "-6.391523e-4, 0.02170049", "-6.391523e-4, 0.02180049", ('physics/test_chillers.py',), "#373#"),
    (DATA, "-9.858212e-4, 2.611673e-3", "-9.858212e-4, 2.641673e-3", ('physics/test_chillers.py',), "#374#"),
    (DATA, "4.887321e-4, 9.618075e-5", "4.887321e-4, 9.918075e-5", ('physics/test_chillers.py',), "#375#"),
    (DATA, "-5.784404e-5, -2.944185e-4", "-5.784404e-5, -2.844185e-4", ('physics/test_chillers.py',), "#376#"),
    (DATA, "6.167738e-4, -9.553369e-4", "6.167738e-4, -9.453369e-4", ('physics/test_chillers.py',), "#377#"),
    (DATA, "capacity: 5208 kW", "capacity: 5308 kW", ('physics/test_chillers.py',), "#378#"),
    (DATA, "cop: 7.09", "cop: 7.19", ('physics/test_chillers.py',), "#379#"),
    (DATA, "cop: 2.9\n", "cop: 2.8\n", ('physics/test_chillers.py',), "#380#"),
    (DATA, "capacity: 1403 kW", "capacity: 1304 kW", ('physics/test_chillers.py',), "#381#"),
    (DATA, "leaving_range: [5.6 degC, 10.0 degC]", "leaving_range: [5.6 degC, 9.0 degC]", ('physics/test_chillers.py',), "#382#"),
    (DATA, "entering_range: [29.0 degC, 46.0 degC]", "entering_range: [30.0 degC, 46.0 degC]", ('physics/test_chillers.py',), "#383#"),
    (CHILLERS, "c[0] + x * (c[1] + c[2] * x + c[5] * y) + y * (c[3] + c[4] * y)", "c[0] + x * (c[1] + c[2] * x) + y * (c[3] + c[4] * y)", ('physics/test_chillers.py',), "#228#"),
    (CHILLERS, "power = running * one / cop * (c[0] + p * (c[1] + p * c[2])) * fade", "power = running * one / cop * p * fade", ('physics/test_chillers.py',), "#229#"),
    (CHILLERS, "power = running * one / cop * (c[0] + p * (c[1] + p * c[2])) * fade", "power = one / cop * (c[0] + p * (c[1] + p * c[2])) * fade", ('physics/test_chillers.py',), "#230#"),
    (CHILLERS, "min_part_load: Array | float = 0.15", "min_part_load: Array | float = 0.2", ('physics/test_chillers.py',), "#231#"),
    (CHILLERS, "max_cop: Array | float = 15.0", "max_cop: Array | float = 12.0", ('physics/test_chillers.py',), "#232#"),
    (CHILLERS, "evaporator_approach: Array | float = 2.0", "evaporator_approach: Array | float = 3.0", ('physics/test_chillers.py',), "#233#"),
    (CHILLERS, "np.where(self.curves.air, AIR_APPROACH, 7.0)", "np.where(self.curves.air, AIR_APPROACH, 6.0)", ('physics/test_chillers.py',), "#235#"),
    (CHILLERS, "T / np.maximum(y + FREEZING + approach - T, 3.0)", "T / np.maximum(y + FREEZING + approach - T, 5.0)", ('physics/test_chillers.py',), "#236#"),
    (CHILLERS, "hotter = law(c.leaving, np.maximum(y, hottest)) / law(c.leaving, hottest)", "hotter = 1.0", ('physics/test_chillers.py',), "#237#"),
    (CHILLERS, "warmer = law(np.maximum(x, coldest), y) / law(near_x, y)", "warmer = 1.0", ('physics/test_chillers.py',), "#238#"),
    (CHILLERS, "colder = law(np.minimum(x, coldest), c.entering) / law(coldest, c.entering)", "colder = 1.0", ('physics/test_chillers.py',), "#239#"),
    (CHILLERS, "cooler = law(near_x, np.minimum(y, hottest)) / law(near_x, near_y)", "cooler = 1.0", ('physics/test_chillers.py',), "#240#"),
    (CHILLERS, "required / (self.stage_up * one) - 1e-9", "required / one - 1e-9", ('physics/test_chillers.py',), "#241#"),
    (CHILLERS, "size * self.capacity_factor * _biquadratic(c.cap, near_x, near_y)", "size * self.capacity_factor", ('physics/test_chillers.py',), "#242#"),
    (CHILLERS, "near = cop / _biquadratic(c.eir, near_x, near_y)", "near = cop", ('physics/test_chillers.py',), "#243#"),
    (CHILLERS, "self.curves.leaving_box[0] + FREEZING", "self.curves.leaving_box[1] + FREEZING", ('physics/test_chillers.py',), "#244#"),
    (CHILLERS, "np.where(self.curves.air, self.ambient, sink)", "np.where(self.curves.air, self.ambient, 293.15)", ('physics/test_chillers.py',), "#245#"),
    (REJECTION, "AIR_APPROACH = 13.0", "AIR_APPROACH = 12.0", ('physics/test_chillers.py',), "#234#"),
    (CURVES, "[t - FREEZING for t in c.leaving_range]", "[t - FREEZING + 0.5 for t in c.leaving_range]", ('physics/test_chillers.py',), "#362#"),
    (CURVES, "[t - FREEZING for t in c.entering_range]", "[t - FREEZING - 2.0 for t in c.entering_range]", ('physics/test_chillers.py',), "#363#"),
    (CURVES, 'c.condenser == "air"', 'c.condenser == "water"', ('physics/test_chillers.py',), "#364#"),
    (CURVES, "            c.leaving - FREEZING,", "            c.leaving - FREEZING + 2.0,", ('physics/test_chillers.py',), "#365#"),
    (CURVES, "            c.entering - FREEZING,", "            c.entering - FREEZING + 2.0,", ('physics/test_chillers.py',), "#366#"),
    (CURVES, "            c.capacity_curve,\n            c.input_curve,", "            c.input_curve,\n            c.capacity_curve,", ('physics/test_chillers.py',), "#367#"),
]
