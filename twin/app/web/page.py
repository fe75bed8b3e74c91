"""The page of the app, in Vuetify: sliders, cards, the scene, limits, curves and diagrams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trame.ui.vuetify3 import VAppLayout
from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_client.widgets.core import AbstractElement

if TYPE_CHECKING:
    from twin.app.web.server import App

MOVED = "Math.abs(values[c.address] - c.start) > 0.499 * c.step"

SHOWN = (
    "(c.open && values[c.address] >= c.high - 1e-9) ? 'none' : "
    f"(({MOVED} ? values[c.address].toFixed(c.digits) : Number(values[c.address].toPrecision(5))) + ' ' + c.unit)"
)
"""The value of a slider for people, in the language of the page: at the start as the layout has it."""

WHOLE = ["@click=\"$event.currentTarget.querySelector('input').select()\""]
"""A click into a field with suggestions takes all of its text, so that typing replaces it."""

THEME = {
    "theme": {
        "defaultTheme": "twin",
        "themes": {"twin": {"dark": False, "colors": {"primary": "#0b5cad", "error": "#c8102e"}}},
    }
}
"""Colours of Vuetify."""


class TwinScene(AbstractElement):
    """The scene, which scene.js mounts."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__("twin-scene", **attributes)
        self.props = [*self.props, "page", "answer", "readings", "chosen"]
        self.events = [*self.events, "pick"]


def build(server: Any, app: App) -> None:
    """Build the page of a server."""
    with (
        VAppLayout(server, vuetify_config=THEME),
        html.Div(classes=("['twin-app', { moving: !settled }]",), raw_attrs=['role="main"']),
    ):
        _head()
        _cards()
        _knobs()
        _view(app)
        with html.Div(classes="side"):
            _service()
            _plots()
            _same()
        html.Div("{{ aloud }}", classes="aloud", raw_attrs=['aria-live="polite"', 'role="status"'])
        with v.VSnackbar(model_value=("!!problem",), color="error", timeout=-1, multi_line=True):
            html.Span("{{ problem }}", raw_attrs=['role="alert"'])
            with v.Template(v_slot_actions=True):
                v.VBtn("Close", variant="text", click="problem = ''")


def _head() -> None:
    """What it is, and what is done with all of it."""
    with html.Header():
        html.H1("{{ title }}")
        html.Span("{{ about }}", classes="about")
        v.VSwitch(
            v_model=("show_start",),
            label="Show the start",
            disabled=("!changed",),
            color="primary",
            density="compact",
            hide_details=True,
            classes="flex-grow-0 start",
        )
        v.VBtn(
            "Back to the start", click="trigger('reset')", disabled=("!changed",), variant="outlined", size="small",
            classes="reset",
        )  # fmt: skip
        with v.VMenu():
            with v.Template(v_slot_activator="{ props }"):
                v.VBtn("Download", v_bind="props", variant="outlined", size="small", classes="download")
            with v.VList(density="compact"), v.VListItem(v_for="d in downloads", key="d.kind", click=DOWNLOAD):
                v.VListItemTitle("{{ d.what }}")


DOWNLOAD = (
    "trigger('download', [d.kind]).then((file) => file && utils.download("
    "title.replaceAll(' ', '_') + (d.kind === 'report' ? '_report.html' : '.' + d.kind), file))"
)
"""Asks for a file and saves it, unless it could not be written."""


def _cards() -> None:
    """Headline figures."""
    with html.Dl(classes="cards"):
        with html.Div(
            v_for="c in cards",
            key="c.key",
            classes=("[c.key, { passed: c.passed }]",),
            raw_attrs=[':data-key="c.key"'],
        ):
            html.Dt("{{ c.label }}")
            html.Dd("{{ c.text }}")
            html.Dd("{{ c.change }}", classes="change")
        with html.Div(v_if="bound", classes="bound"):
            html.Dt("{{ bound.label }}")
            html.Dd("{{ bound.text }}")
            html.Dd("{{ bound.change }}", classes="change")


def _knobs() -> None:
    """Sliders."""
    with html.Section(classes="panel knobs", raw_attrs=['aria-label="what if"']):
        html.H2("What if")
        with v.Template(v_for="g in groups", key="g.name"):
            html.H3("{{ g.name }}")
            with html.Div(
                v_for="c in g.controls",
                key="c.address",
                classes=(f"['knob', {{ moved: {MOVED} }}]",),
                raw_attrs=[':title="c.address"'],
            ):
                html.Span("{{ c.label }}")
                html.Span("{{ " + SHOWN + " }}", classes="value", raw_attrs=['aria-hidden="true"'])
                v.VSlider(
                    model_value=("values[c.address]",),
                    update_modelValue="values = { ...values, [c.address]: $event }; curve_x = c.address",
                    min=("c.low",),
                    max=("c.high",),
                    step=("c.step",),
                    name=("c.label",),
                    raw_attrs=[':data-address="c.address"', f':aria-valuetext="{SHOWN}"'],
                    color="primary",
                    density="compact",
                    hide_details=True,
                    thumb_size=16,
                )
        v.VAutocomplete(
            model_value=("add",),
            items=("more",),
            label="Another quantity",
            update_modelValue="trigger('add', [$event])",
            density="compact",
            hide_details=True,
            clearable=True,
            classes="mt-4",
        )


def _view(app: App) -> None:
    """The scene and what it is coloured by."""
    with html.Section(classes="view", raw_attrs=['aria-label="scene"']):
        with html.Div(classes="tools"):
            v.VAutocomplete(
                v_model=("color",), items=("colors",), label="Colour by", density="compact", hide_details=True,
                classes="color", raw_attrs=WHOLE,
            )  # fmt: skip
            v.VSwitch(
                v_model=("fail_on_click",),
                label="A click takes out of service",
                color="error",
                density="compact",
                hide_details=True,
                classes="flex-grow-0 fail",
            )
            html.Span("{{ busy || (working ? 'working' : 'answered in ' + ms + ' ms') }}", classes="small ms")
            v.VProgressLinear(v_if="working || busy", indeterminate=True, color="primary", height=3, classes="work")
        TwinScene(
            page=("page",),
            answer=("answer",),
            readings=("readings",),
            chosen=("selected",),
            pick="trigger('pick', [$event])",
        )
        _diagrams()


def _service() -> None:
    """What is picked, what is out of service, and what is dark then."""
    with html.Section(classes="panel", raw_attrs=['aria-label="equipment"']):
        html.H2("Equipment")
        v.VAutocomplete(
            v_model=("selected",),
            items=("names",),
            label="Name",
            auto_select_first="exact",
            density="compact",
            hide_details=True,
            classes="pick",
            raw_attrs=WHOLE,
        )
        with html.Div(v_if="element.name", classes="element"):
            html.P("{{ element.name }}: {{ element.kind }}", classes="small what mt-2")
            v.VBtn(
                "{{ element.on ? 'Take out of service' : 'Put into service' }}",
                v_if="element.on !== null",
                click="trigger('toggle', [element.name])",
                color=("element.on ? 'error' : 'primary'",),
                variant="outlined",
                size="small",
                classes="toggle mt-1",
            )
            with html.Dl(classes="facts"), v.Template(v_for="f in element.facts", key="f.label"):
                html.Dt("{{ f.label }}", classes=("{ passed: f.passed }",))
                html.Dd("{{ f.text }}", classes=("{ passed: f.passed }",))
            html.P("Fed by {{ element.fed }}.", v_if="element.fed", classes="small")
        with html.Div(classes="chips"):
            v.VChip(
                "{{ n }} is out", v_for="n in out", key="n", closable=True, click_close="trigger('toggle', [n])",
                color="error", size="small", close_label=("'put ' + n + ' back'",),
            )  # fmt: skip
            v.VChip(
                "{{ n }} is in", v_for="n in back", key="n", closable=True, click_close="trigger('toggle', [n])",
                color="primary", size="small", close_label=("'take ' + n + ' out'",),
            )  # fmt: skip
        with html.Ul(classes="told", v_if="told.length"):
            html.Li("{{ t }}", v_for="t in told", key="t")


def _plots() -> None:
    """Limits as they are, and a curve along a slider."""
    with html.Section(classes="panel", raw_attrs=['aria-label="plots"']):
        with v.VTabs(v_model=("tab",), density="compact", color="primary"):
            v.VTab("Limits", value="limits")
            v.VTab("Curve", value="curve")
        with html.Ul(classes="limits mt-3", v_if="tab === 'limits'"):
            with html.Li(v_for="l in limits", key="l.name + l.where", classes=("{ passed: l.passed }",)):
                html.Span("{{ l.name }} at {{ l.where }}", classes="where")
                html.Span("{{ l.passed ? 'passed: ' : '' }}{{ l.value }}, {{ l.sense }} {{ l.bound }}")
                with html.Div(classes="bar", raw_attrs=['aria-hidden="true"']):
                    html.I(style=("{ width: l.used + '%' }",))
                    html.B(v_if="l.start >= 0", style=("{ left: l.start + '%' }",))
            html.Li("{{ limits.length ? 'The upright mark is where it was at the start.' : 'None.' }}", classes="small")
        with html.Div(v_if="tab === 'curve'", classes="mt-3"):
            v.VSelect(
                v_model=("curve_y",), items=("curves",), label="What", density="compact", hide_details=True,
                classes="what",
            )  # fmt: skip
            v.VSelect(
                v_model=("curve_x",),
                items=("groups.flatMap((g) => g.controls.map((c) => ({ title: c.label, value: c.address })))",),
                label="Along",
                density="compact",
                hide_details=True,
                classes="mt-2 along",
            )
            html.Div(v_html=("curve",), classes="plot curve mt-2")


def _diagrams() -> None:
    """Diagrams of the report, below the scene, where there is room for them."""
    with html.Section(classes="panel wide diagrams", raw_attrs=['aria-label="diagrams"']):
        v.VSelect(
            v_model=("diagram",),
            items=("diagrams",),
            label="Diagram",
            clearable=True,
            density="compact",
            hide_details=True,
            classes="which",
        )
        html.Div(v_html=("drawing",), classes="plot drawing mt-2")


def _same() -> None:
    """The command line that gives the same."""
    with html.Section(classes="panel", raw_attrs=['aria-label="command"']):
        html.H2("The same on the command line")
        html.Div("{{ command }}", classes="command")
