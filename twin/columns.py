"""The ledger: every solved column, total, headline figure and limit, declared once.

Solvers fill columns, equipment refers to rows of them, results and screens derive names, units and lines from here.
A quantity is one of the dimensions of `twin.units`; its SI, CF and display units follow from that table.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from twin.kernels.subset import Table
from twin.units import DIMENSIONS, cf_unit

Array = NDArray[Any]
"""Numbers, (row, scenario) unless stated otherwise; where the scenario axis has length 1 all scenarios are equal."""
Real = float | Array
"""A number, or numbers that broadcast with the others."""
Index = NDArray[np.int64]
"""Row, node, bus or stream numbers, (row,)."""


def _known(quantity: str) -> str:
    """The name of a dimension of `twin.units`; ValueError for another."""
    if quantity not in DIMENSIONS:
        close = get_close_matches(quantity, DIMENSIONS, 1, 0.5)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(DIMENSIONS)}"
        raise ValueError(f"no quantity {quantity!r}; {hint}")
    return quantity


class Entry:
    """A line of the ledger; it takes the name of the attribute that holds it unless it is given one."""

    def __init__(self, meaning: str, name: str = "") -> None:
        self.meaning, self.name = meaning, name

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = self.name or name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


# ---- solved columns ----------------------------------------------------------------------------------------------


class Ref(NamedTuple):
    """Rows of a solved column, such as the power of pumps 3 to 7.

    column: what is meant. rows: which of its rows, (n,).
    """

    column: Column
    rows: Index


class Column(Entry):
    """A solved quantity with one row per element of a kind and one column per scenario; `column[rows]` refers to it.

    It is an attribute of a class, its `kind`, whose name and its own are its name: `class bath: rise = Column(...)` is
    bath.rise.
    Raises ValueError for a quantity that `twin.units` does not know, and for a name that another module has taken.
    """

    def __init__(self, quantity: str, meaning: str) -> None:
        super().__init__(meaning)
        self.quantity, self.home, self.kind = _known(quantity), "", type(None)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.home, self.kind = f"{owner.__name__}.{name}", owner.__module__, owner
        other = COLUMNS.setdefault(self.name, self)
        if other.home != self.home:
            raise ValueError(f"column {self.name} of {self.home} is one of {other.home} already; call it another name")
        COLUMNS[self.name] = self

    @overload
    def __get__(self, instance: Ledger, owner: type) -> Array: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Column: ...
    def __get__(self, instance: object, owner: type) -> Column | Array:
        """Of a class of the ledger the column itself; kernels, which are given such a table, read its numbers."""
        return self

    __iter__ = None  # rows are picked, not counted: without this, `in` would look at row after row for ever

    def __getitem__(self, rows: Index) -> Ref:
        return Ref(self, rows)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return column, (self.name,)

    @property
    def unit(self) -> str:
        """Unit as the CF conventions write it."""
        return cf_unit(self.quantity)


COLUMNS: dict[str, Column] = {}
"""All columns by name, such as "engine.power"."""


def column(name: str) -> Column:
    """The column called so. Raises KeyError for a name that the ledger does not have."""
    return COLUMNS[name]


Solved = dict[Column, Array]
"""What solvers have filled, (row, scenario) each."""


class Ledger(Table):
    """Columns of one kind of element; a kernel fills or reads them as one table."""

    @classmethod
    def real_columns(cls) -> tuple[str, ...]:
        """Names of its columns."""
        return tuple(name for name, entry in vars(cls).items() if isinstance(entry, Column))


class engine(Ledger):
    """Racks."""

    power = Column("power", "power at the feed")
    peak = Column("power", "electrical design point peak at the feed")
    nameplate = Column("power", "power that is provisioned")
    heat_liquid = Column("power", "heat into the coolant")
    heat_air = Column("power", "heat into the room air")
    spill = Column("power", "heat that cold plates leave to the room air")
    loss = Column("power", "loss of shelves and board converters")
    chips = Column("number", "accelerators that have power")
    chip_power = Column("power", "mean power of an accelerator")
    clock = Column("fraction", "chip clock over nominal")
    clock_lost = Column("fraction", "share of the clock lost to temperature")
    at_floor = Column("number", "1 where a cap holds the clock below that at which the voltage falls no more")
    utilisation = Column("fraction", "share of time in which chips work")
    junction_mean = Column("temperature", "junction of a mean chip")
    junction = Column("temperature", "junction of the worst chip")
    air_flow = Column("mass_flow", "air drawn by the rack's fans")
    air_rise = Column("temperature_difference", "rise of the air that the rack's fans draw")
    air_inlet = Column("temperature", "air entering the rack")


class node(Ledger):
    """Nodes of coolant and air."""

    temperature = Column("temperature", "mixed temperature")
    lost = Column("number", "1 where nothing takes the heat away and there is no steady temperature")
    pressure = Column("pressure", "absolute pressure of coolant")
    boiling = Column("pressure", "pressure of coolant above that at which it boils")


class stream(Ledger):
    """Coolant pipes, then air vents."""

    inlet = Column("temperature", "temperature entering")
    outlet = Column("temperature", "temperature leaving")
    flow = Column("mass_flow", "mass flow from start to end")


class pipe(Ledger):
    """Coolant pipes."""

    velocity = Column("velocity", "mean velocity")


class pump(Ledger):
    """Groups of parallel pumps."""

    speed = Column("fraction", "speed over nominal")
    demand = Column("fraction", "speed that all installed pumps would need over the highest")
    rise = Column("pressure", "pressure rise")
    shaft = Column("power", "shaft power, which heats the coolant")
    power = Column("power", "electrical power")
    drive_loss = Column("power", "loss of motor and converter")
    running = Column("number", "pumps running")


class bypass(Ledger):
    """Minimum-flow bypasses."""

    received = Column("volume_flow", "flow that arrives where the bypass ends")


class exchange(Ledger):
    """Heat exchangers."""

    duty = Column("power", "heat passed from hot to cold")
    effectiveness = Column("fraction", "heat passed over the largest possible")


class cooler(Ledger):
    """Units that take heat out of a stream: dry coolers, towers, chillers."""

    duty = Column("power", "heat taken from the stream")
    rejected = Column("power", "heat given to the sink: duty, own power and driving heat")
    driven = Column("power", "heat taken from the stream that drives it")
    power = Column("power", "fan or compressor power")
    water = Column("mass_flow", "make-up water")
    loading = Column("fraction", "required over available duty")
    running = Column("number", "units running")
    speed = Column("fraction", "fan speed over nominal, part load of a chiller")
    warning = Column("number", "1 outside the box of validity")


class fan(Ledger):
    """Groups of room fans."""

    power = Column("power", "power of the running units")
    running = Column("number", "units running")
    speed = Column("fraction", "speed over nominal")
    demand = Column("fraction", "air required over air at full speed")


class zone(Ledger):
    """Rooms."""

    humidity = Column("fraction", "humidity ratio of the returning air")
    dew_point = Column("temperature", "dew point of the returning air")
    condensate = Column("mass_flow", "water that coils take from the air")
    moisture = Column("mass_flow", "vapour that comes to the air, from outdoors, people and humidifiers")


class coil(Ledger):
    """Coils in air."""

    condensate = Column("mass_flow", "water taken from the air")
    latent = Column("power", "heat of that water")
    reheat = Column("power", "heat that warms air which was cooled to dry it")


class humidifier(Ledger):
    """Humidifiers."""

    flow = Column("mass_flow", "vapour given to the air")
    power = Column("power", "electrical power")
    heat = Column("power", "heat given to the air, negative where it is taken")
    water = Column("mass_flow", "water used, with what is flushed")
    loading = Column("fraction", "vapour wanted over capacity")


class line(Ledger):
    """Cables, busbars, transformers, boards."""

    loading = Column("fraction", "current over rating")
    peak = Column("fraction", "current over rating at the peaks")
    power = Column("power", "active power into the start")
    loss = Column("power", "active power lost")


class converter(Ledger):
    """UPS, rectifiers, and whatever else regulates its output."""

    loading = Column("fraction", "output over rating")
    peak = Column("fraction", "output over rating at the peaks")
    power = Column("power", "active power into the input")
    output = Column("power", "active power out of the output")
    loss = Column("power", "active power lost")


class source(Ledger):
    """Utilities and generators."""

    power = Column("power", "active power delivered")
    peak = Column("power", "active power delivered at the peaks")
    reactive = Column("reactive_power", "reactive power delivered")


class bus(Ledger):
    """Buses of the power train."""

    voltage = Column("fraction", "magnitude per unit")
    peak = Column("fraction", "magnitude per unit at the peaks")


class given(Ledger):
    """Numbers that take part as if they had been solved."""

    power = Column("power", "a power stated by the layout")


class audit(Ledger):
    """The energy balance, one row each."""

    boundary = Column("power", "heat that streams and gains carry out of doors")
    cooler = Column("power", "heat that coolers give to outdoor air")
    latent = Column("power", "heat of vaporisation that moist air and people bring, less what they take")


# ---- totals ------------------------------------------------------------------------------------------------------


class Total(Entry):
    """A heading under which powers are added up.

    part: the figure of the meter's breakdown that it belongs to, one of PARTS; empty for what is no part of it.
    """

    def __init__(self, meaning: str, part: str = "", name: str = "") -> None:
        super().__init__(meaning, name)
        if part and part not in PARTS:
            raise ValueError(f"a total is part of {', '.join(PARTS)}, not of {part!r}")
        self.part = part


PARTS = ("it_power", "cooling_power", "other_power", "electrical_loss")
"""Figures that add up to what sources deliver."""


class totals:
    """The headings."""

    it = Total("racks at their feeds", "it_power")
    pumps = Total("pumps of coolant loops", "cooling_power")
    cdus = Total("CDUs", "cooling_power")
    air_handling = Total("fans of room coolers", "cooling_power")
    heat_rejection = Total("dry coolers, towers, chillers", "cooling_power")
    humidification = Total("humidifiers", "cooling_power")
    house = Total("lighting, offices, controls, standby", "other_power")
    electrical_loss = Total("losses of the power train up to the racks", "electrical_loss")
    conversion_loss = Total("losses of rack shelves and board converters")
    heat_to_liquid = Total("rack heat into coolant")
    heat_to_air = Total("rack heat into room air")
    grid = Total("power from the utility")
    contract = Total("power under contract")
    water = Total("make-up water")


# ---- limits ------------------------------------------------------------------------------------------------------

MAXIMUM, MINIMUM = 1, -1
LAYERS = ("energy", "cooling")
"""Layers of the factory whose use limits measure."""


class LimitKind(Entry):
    """What must not be passed, and from which side.

    sense: MAXIMUM or MINIMUM. layer: the layer of the factory whose use it measures, one of LAYERS, if any. quantity:
    of value and bound, by default that of the limited column. aim: whether it is what a control aims at and no limit of
    what is sustainable: where it is missed, users are warned, and no density is bounded by it. A name may hold {kind},
    for which the type of the equipment stands.
    """

    def __init__(
        self, sense: int, meaning: str, layer: str = "", name: str = "", quantity: str = "", aim: bool = False
    ) -> None:
        super().__init__(meaning, name)
        if layer and layer not in LAYERS:
            raise ValueError(f"a limit measures one of {', '.join(LAYERS)}, not {layer!r}")
        if sense not in (MAXIMUM, MINIMUM):
            raise ValueError(f"a limit is a MAXIMUM or a MINIMUM, not {sense!r}")
        self.sense, self.layer, self.quantity, self.aim = sense, layer, quantity and _known(quantity), aim
        LIMITS.append(self)


LIMITS: list[LimitKind] = []
"""All limits, those of equipment of one's own too."""


class limits:
    """The limits that shipped equipment, buses and loops know."""

    junction_temperature = LimitKind(MAXIMUM, "junction of the worst chip at its highest operating temperature")
    throttling = LimitKind(MAXIMUM, "clock lost to temperature")
    power_cap = LimitKind(MAXIMUM, "power of an accelerator whose cap clocks cannot hold")
    rack_cap = LimitKind(MAXIMUM, "power of a rack whose cap clocks cannot hold")
    rack_air_inlet = LimitKind(MAXIMUM, "air entering a rack, by its class and the elevation")
    rack_air_inlet_cold = LimitKind(MINIMUM, "air entering a rack, by its class")
    rack_dew_point = LimitKind(MAXIMUM, "dew point of a rack's air, by its class", quantity="temperature", aim=True)
    rack_dew_point_low = LimitKind(MINIMUM, "dew point of a rack's air", quantity="temperature", aim=True)
    rack_humidity = LimitKind(MAXIMUM, "humidity of a rack's air, by its class", quantity="fraction", aim=True)
    rack_humidity_low = LimitKind(MINIMUM, "humidity of a rack's air", quantity="fraction", aim=True)
    rack_elevation = LimitKind(MAXIMUM, "no class of air is known so high", quantity="length", aim=True)
    rack_flow = LimitKind(MINIMUM, "coolant flow of a rack")
    coolant_supply = LimitKind(MAXIMUM, "coolant entering a rack")
    coolant_return = LimitKind(MAXIMUM, "coolant leaving a rack")
    loop_class = LimitKind(MAXIMUM, "coolant entering a rack, by its class")
    facility_water_class = LimitKind(MAXIMUM, "facility water entering a CDU, by its class")
    facility_water_class_cold = LimitKind(MINIMUM, "facility water entering a CDU, where its class is stated")
    dew_point = LimitKind(MINIMUM, "coolant that stays above the dew point of its room")
    drying = LimitKind(MAXIMUM, "dew point of a room that its coolers dry", aim=True)
    humidification = LimitKind(MAXIMUM, "vapour that a room wants over what its humidifiers give", aim=True)
    cdu_duty = LimitKind(MAXIMUM, "heat that a CDU passes", "cooling")
    cdu_flow = LimitKind(MAXIMUM, "coolant flow of a CDU")
    bath_temperature = LimitKind(MAXIMUM, "dielectric leaving the boards of an immersion tank")
    tank_duty = LimitKind(MAXIMUM, "heat that the exchanger of an immersion tank passes", "cooling")
    tank_water_flow = LimitKind(MAXIMUM, "facility water through the exchanger of an immersion tank")
    crah_capacity = LimitKind(MAXIMUM, "heat that a room cooler's coil takes", "cooling")
    crah_air_flow = LimitKind(MAXIMUM, "air that the coolers of a room deliver", "cooling")
    room_temperature = LimitKind(MAXIMUM, "air that returns in a room")
    pump_head = LimitKind(MAXIMUM, "speed that pumps need")
    pump_suction = LimitKind(MINIMUM, "pressure at a pump's inlet above boiling: its net positive suction head")
    coolant_boiling = LimitKind(MINIMUM, "pressure of a loop above that at which its coolant boils")
    loop_velocity = LimitKind(MAXIMUM, "velocity in a pipe")
    capacity = LimitKind(
        MAXIMUM, "heat required of what rejects it, over what it can take", "cooling", "{kind}_capacity"
    )
    utility_contract = LimitKind(MAXIMUM, "demand under the utility's contract", "energy")
    generator_rating = LimitKind(MAXIMUM, "power of a generator")
    generator_peak = LimitKind(MAXIMUM, "power of a generator at the peaks")
    loading = LimitKind(MAXIMUM, "continuous current or power over rating", "energy", "{kind}_loading")
    peak = LimitKind(MAXIMUM, "current or power over rating at the peaks, where protection trips", name="{kind}_peak")
    undervoltage = LimitKind(MINIMUM, "voltage of a bus, at the peaks too", name="voltage")
    overvoltage = LimitKind(MAXIMUM, "voltage of a bus, at the peaks too", name="voltage")
    overheated = LimitKind(MINIMUM, "something that takes the heat away", quantity="fraction")
    power_feed = LimitKind(MINIMUM, "a live feed of each rack", quantity="fraction")
    coolant_freezing = LimitKind(MINIMUM, "coldest coolant of a loop above its freezing point")
    flow_reversed = LimitKind(MINIMUM, "coolant that flows the way its equipment is connected")
    set_point = LimitKind(MAXIMUM, "the valve is wide open and its set point missed", name="{kind}_set_point", aim=True)
    rack_air_rise = LimitKind(MAXIMUM, "fans run at full speed and miss the rise that they aim at", aim=True)
    bypass_flow = LimitKind(MINIMUM, "the bypass is wide open and its minimum flow missed", aim=True)
    unfed = LimitKind(MINIMUM, "it has no live feed and stands still", name="power_feed", quantity="fraction", aim=True)
    plate_spill = LimitKind(MAXIMUM, "what cold plates cannot take, which warms the rack's air", aim=True)
    loop_vacuum = LimitKind(MINIMUM, "a loop below atmospheric pressure draws in air", aim=True)


# ---- headline figures --------------------------------------------------------------------------------------------


class Figure(Entry):
    """A headline figure, one value per scenario.

    unit: as the CF conventions write it. display: what people and machines read it in, with `factor` times the SI
    value; its JSON key is its name and that unit. label: how the screen calls it, its name if none is given.
    """

    def __init__(
        self, unit: str, meaning: str, display: str = "", factor: float = 1.0, form: str = ",.0f", label: str = ""
    ) -> None:
        super().__init__(meaning)
        self.unit, self.display, self.factor, self.form, self._label = unit, display, factor, form, label

    def __set_name__(self, owner: type, name: str) -> None:
        super().__set_name__(owner, name)
        FIGURES[self.name] = self

    @property
    def key(self) -> str:
        """Its key in JSON, such as facility_power_mw."""
        words = self.display.lower().replace("$", "usd").replace("/", "_per_").split()
        return "_".join([self.name, *words])

    @property
    def label(self) -> str:
        """How the screen calls it."""
        return self._label or self.name.replace("_", " ")

    def text(self, value: float | None) -> str:
        """The value in SI units for the screen, a dash for none."""
        if value is None or not np.isfinite(value):
            return "-"
        return f"{value * self.factor:{self.form}} {self.display}".rstrip()


FIGURES: dict[str, Figure] = {}
"""All figures by name."""


def _megawatts(meaning: str, label: str = "") -> Figure:
    return Figure("W", meaning, "MW", 1e-6, ",.3f", label)


class figures:
    """The headline figures; `twin.results.figures` computes them."""

    facility_power = _megawatts("power at the utility meter")
    system_power = _megawatts("power of racks and CDUs", "racks and CDUs")
    it_power = _megawatts("power of racks at their feeds", "IT power")
    cooling_power = _megawatts("pumps, CDUs, air handling and heat rejection")
    other_power = _megawatts("lighting, offices, controls, standby")
    electrical_loss = _megawatts("losses of the power train up to the racks", "power train loss")
    conversion_loss = _megawatts("losses of rack shelves and board converters")
    heat_to_liquid = _megawatts("rack heat into coolant")
    heat_to_air = _megawatts("rack heat into room air")
    provisioned_power = _megawatts("nameplate of racks and network times PUE")
    mean_power = _megawatts("power at the utility meter, mean over a year with its idle hours")
    idle_power = _megawatts("power at the utility meter while no tokens are served; none where they always are")
    idle_energy = Figure("J a-1", "energy of a year's hours in which no tokens are served", "MWh/year", 1 / 3.6e9)
    pue = Figure("1", "power usage effectiveness", form=".4f", label="PUE")
    accelerators = Figure("1", "accelerators that have power")
    tokens_per_s = Figure("s-1", "tokens served")
    tokens_error = Figure("1", "factor less one to which tokens and $ per token are known, nine of ten", form=".2f")
    ttft = Figure("s", "longest time to a first token; known to physics only", "s", form=",.2f")
    usd_per_million_tokens = Figure("USD", "cost of a million tokens", form=",.4f")
    usd_per_million_output_tokens = Figure("USD", "cost of a million output tokens, inputs going free", form=",.4f")
    usd_per_mw_year = Figure("USD MW-1 a-1", "yearly cost per MW drawn")
    gross_margin_usd_per_mw_year = Figure(
        "USD MW-1 a-1", "income less yearly cost per MW drawn; none without a price of tokens"
    )
    income_usd_per_accelerator_hour = Figure(
        "USD h-1", "income of an accelerator, served or not; none without a price of tokens", form=",.2f"
    )
    water = Figure("kg s-1", "make-up water", "m3/day", 86.4, ",.1f")
    potable_water = Figure("kg s-1", "make-up water that is potable", "m3/day", 86.4, ",.1f")
    wue = Figure(
        "kg J-1", "water usage effectiveness: make-up water over IT energy", "L/kWh", 3.6e6, ".3f", label="WUE"
    )
    carbon = Figure("kg s-1", "carbon dioxide equivalent of the energy drawn", "t/year", 31557.6)
    energy_audit = Figure("1", "(electricity in - heat out) / electricity in", form=".1e")
