"""Serving: fronts, the roofline and its tables, the power of chips at work, queues and agents."""

# ruff: noqa: E501
# fmt: off

R, S, W, A, T = (f"twin/serving/{n}.py" for n in ("roofline", "platforms", "stations", "agents", "tokens"))
F, AF, TABLE = "twin/serving/fronts.py", "twin/study/agents.py", "layouts/serving/physics.yaml"
ROOFLINE, TOKENS = "physics/test_serving_roofline.py", "physics/test_serving_tokens.py"


def roofline(*names):
    return tuple(f"{ROOFLINE}::test_{n}" for n in names)


def tokens(*names):
    return tuple(f"{TOKENS}::test_{n}" for n in names)


H200 = roofline("an_h200_serves_what_the_roofline_by_hand_gives")
LENGTHS = roofline("lengths_count_as_context_input_and_output")
GB300 = roofline("a_gb300_serves_what_the_roofline_by_hand_gives")
EIGHT = roofline("eight_bits_double_the_bytes_and_slow_the_latency")
CLOCK = roofline("a_slower_clock_slows_arithmetic_and_prefill_not_memory")
ENGINE = roofline("an_engine_that_accepts_fewer_drafts_serves_less")
LARGEST = roofline("the_largest_instance_is_what_is_asked_for")
PARTS = roofline("every_part_of_a_step_is_its_bytes_or_operations_over_its_rate")
DOMAINS = roofline("what_leaves_a_domain_takes_the_network_of_both_its_ends")
MEMORY = roofline("memory_holds_what_weights_and_the_reserve_leave")
TIERS = roofline("cache_beyond_memory_is_read_from_hosts_and_then_from_storage")
PREFILL = roofline("prefill_reads_at_its_share_of_the_peak_and_attends_to_half_of_what_came_before")
DRAFTS = roofline("few_drafts_are_accepted_by_the_chance_of_each")
POINTS = tokens("racks_serve_the_measured_points_of_their_platform")
BETWEEN = tokens("between_points_the_logarithm_of_the_rate_is_linear_below_them_it_holds_beyond_there_is_nothing")
FOLLOW = tokens("tokens_follow_clock_availability_and_work")
PRICE = tokens("a_slower_clock_costs_the_tokens_that_its_arithmetic_takes")
CURVE = tokens("the_power_curve_goes_through_what_was_measured")
DRAW = tokens("chips_that_serve_draw_by_their_requests_in_flight")
ERLANG = tokens("ten_servers_under_eight_erlangs_make_two_fifths_wait")
VISITS = tokens("visits_share_a_server_and_its_time")
REPAIR = tokens("users_of_one_machine_wait_as_for_a_repairman")
GAMMA = tokens("percentiles_are_those_of_a_gamma")
ALONE = tokens("an_agent_alone_takes_the_time_of_its_visits")
SHEET = tokens("defaults_of_agents_are_the_sheets")
POOLS = tokens("pools_bound_agents_by_their_servers")
BORNE = tokens("a_facility_at_its_agents_draws_between_idling_and_full_work")
SPLIT = tokens("accelerators_are_shared_between_reading_and_writing_as_their_work_is")
SHEETS = roofline("accelerators_are_those_of_their_makers_sheets")
LOOP = ("domains/test_stations.py::test_percentiles_of_a_closed_loop_are_those_of_an_event_simulation",)
ENDS = roofline("a_request_ends_after_its_tokens_and_its_cache_crosses_the_network_once")

MUTANTS = [
    # fronts and tokens
    (F, "np.exp(np.interp(np.asarray(interactivity, float), self.interactivity, np.log(self.rate), right=-np.inf))",
     "np.interp(interactivity, self.interactivity, self.rate, right=0.0)", BETWEEN, "rates linear between points"),
    (F, "np.log(self.rate), right=-np.inf", "np.log(self.rate)", BETWEEN, "the last rate holds beyond the front"),
    (F, "np.log(self.rate), right=-np.inf", "np.log(self.rate), left=-np.inf, right=-np.inf", BETWEEN, "nothing below the front"),
    (T, "else terms.clock_exponent)", "else 1.0)", FOLLOW, "tokens by the clock whatever the exponent"),
    (T, "each[:, at] *= t.availability", "pass", FOLLOW, "availability left out"),
    (T, "share = chips[rows] * busy[rows]", "share = chips[rows]", FOLLOW, "idle chips serve"),
    (T, "terms.clock_exponent is None and has_physics(terms, platform)", "terms.clock_exponent is None and False", PRICE, "tokens of fronts by the clock"),
    (S, "return total / nominal if nominal > 0 else None", "return total / total.max() if nominal > 0 else None", PRICE, "tokens over those at the highest clock"),
    ("twin/facility/sections.py", "interactivity: Number = Field(116.7", "interactivity: Number = Field(120.0", POINTS, "120 tokens/s/user"),
    # the roofline
    (R, "2.0 * m.active * tokens", "m.active * tokens", PARTS, "one operation a parameter"),
    (R, "f.compute * c.peak[i.precision] * clock", "f.compute * c.peak[i.precision]", CLOCK, "arithmetic without its clock"),
    (R, '(f.attention * c.peak["fp8"] * clock)', '(f.attention * c.peak[i.precision] * clock)', GB300, "attention in four bits"),
    (R, '(f.attention * c.peak["fp8"] * clock)', '(f.compute * c.peak["fp8"] * clock)', PARTS, "attention at the share of compute"),
    (R, "rate = f.bandwidth * c.bandwidth", "rate = c.bandwidth", PARTS, "the whole bandwidth"),
    (R, "b * i.verified * np.log1p", "b * np.log1p", GB300, "experts of one token a request"),
    (R, "np.log1p(-m.chosen / m.experts)", "(-m.chosen / m.experts)", PARTS, "experts drawn at a rate"),
    (R, "m.dense / (i.gpus if tensor else 1) + m.expert * touched / i.gpus", "m.dense / i.gpus + m.expert * touched / i.gpus",
     PARTS, "dense weights always split"),
    (R, "cache = m.cache * s.mean_context * b / (1 if tensor else i.gpus)", "cache = m.cache * s.mean_context * b / i.gpus", PARTS,
     "the cache split under tensor parallelism"),
    (R, "tokens = b * i.verified / i.gpus", "tokens = b / i.gpus", PARTS, "one token a request"),
    (R, "f.draft * (i.verified - 1) / (MEASURED_VERIFIED - 1)", "f.draft * (i.verified - 1) / MEASURED_VERIFIED", PARTS, "drafts over four"),
    (R, "m.reduced * b * i.verified * all_reduce(c, i.gpus)", "m.reduced * tokens * all_reduce(c, i.gpus)", PARTS, "sums of a part of the tokens"),
    (R, "return (inside - 1) / gpus / c.link", "return 1.0 / c.link", PARTS, "all of the exchange leaves"),
    (R, "far = (gpus - inside) / gpus\n", "far = (gpus - inside) / inside\n", DOMAINS, "exchange beyond the domain"),
    (R, "return 2.0 * (inside - 1) / inside / c.link", "return (inside - 1) / inside / c.link", PARTS, "a sum sent once"),
    (R, "far = 2.0 * (domains - 1.0) / domains / inside", "far = 2.0 * (domains - 1.0) / domains", DOMAINS, "a sum carried by one"),
    (R, "return self.isl + 0.5 * self.osl", "return self.isl + self.osl", (*PARTS, *LENGTHS), "the context of the end"),
    (R, 'BYTES_PER_PARAMETER = {"fp8": 1.0, "fp4": 0.5625}', 'BYTES_PER_PARAMETER = {"fp8": 1.0, "fp4": 0.5}', GB300, "four bits without scales"),
    (R, "reserve: float = 0.05", "reserve: float = 0.1", (*MEMORY, *H200), "a tenth of the memory reserved"),
    (R, "each = s.model.cache * (s.isl + s.osl) /", "each = s.model.cache * s.mean_context /", MEMORY, "memory for the mean context"),
    (R, "np.floor((free + s.host_cache + s.storage_cache) / each)", "np.floor(free / each)", MEMORY, "tiers hold nothing"),
    (R, "(host / c.host if s.host_cache else 0.0)", "(host / c.link if s.host_cache else 0.0)", TIERS, "hosts at the link's rate"),
    (R, "beyond / s.storage", "beyond / c.host", TIERS, "storage at the host's rate"),
    (R, "near = np.minimum(cache, free)", "near = 0.5 * np.minimum(cache, free)", TIERS, "memory half used"),
    (R, "work = 2.0 * m.active + m.reading * 0.5 * (1.0 + hit_rate) * s.isl", "work = 2.0 * m.active + m.reading * (1.0 + hit_rate) * s.isl",
     PREFILL, "prefill attends to all"),
    (R, "0.5 * (1.0 + hit_rate) * s.isl", "0.5 * (1.0 - hit_rate) * s.isl", PREFILL, "found tokens attended to by none"),
    (R, "return f.prefill[p] * s.chip.peak[p] * np.asarray(clock) / work", "return f.prefill[p] * s.chip.peak[p] / work", (*PREFILL, *CLOCK),
     "prefill without its clock"),
    (R, "MEASURED_VERIFIED = 4", "MEASURED_VERIFIED = 3", DRAFTS, "three examined where measured"),
    (R, "abs(np.log(n / self.osl))", "abs(n - self.osl)", DRAFTS, "the nearest length by difference"),
    (R, "sum(chance**k for k in range(self.instance.verified))", "1.0 + chance * (self.instance.verified - 1)", DRAFTS,
     "drafts accepted one by one"),
    (R, "np.log(np.maximum(requests, 1e-9) / s.instance.gpus), at, factor", "np.log(np.maximum(requests, 1e-9)), at, factor", H200,
     "residuals by the instance"),
    (R, "total = output * (s.isl + s.osl) / s.osl / (1.0 + inputs / prefill_rate(s, clock))", "total = output * (s.isl + s.osl) / s.osl",
     H200, "prefill for free"),
    (R, "s.fit.first + s.isl / (prefill_rate(s, clock) * s.instance.gpus)", "s.fit.first + s.isl / prefill_rate(s, clock)", H200,
     "prompts read by one accelerator"),
    (R, "output = np.where(good, b * seen / s.instance.gpus, 0.0)", "output = np.where(good, b * seen * s.accepted / s.instance.gpus, 0.0)", GB300,
     "accepted tokens counted twice"),
    (R, "latency = np.where(good, ttft + s.osl / np.where", "latency = np.where(good, s.osl / np.where", ENDS, "requests end without their first token"),
    (R, "        output * s.prompt_cache / s.osl,\n        np.full", "        output * s.prompt_cache / s.isl / s.osl,\n        np.full", ENDS, "a byte of cache handed over"),
    # its tables
    (TABLE, "dense: 1.71e+10, expert: 6.539e+11", "dense: 1.71e+10, expert: 6.71e+11", H200, "all parameters in experts"),
    (TABLE, "active: 3.7e+10", "active: 4.0e+10", H200, "40 billion active"),
    (TABLE, "cache: 35136", "cache: 31232", H200, "a cache of 512 a layer"),
    (TABLE, "attention: 1.699e+7", "attention: 1.561e+7", H200, "attention of 512 + 488"),
    (TABLE, "reading: 5.0e+6", "reading: 6.0e+6", H200, "prefill's attention"),
    (TABLE, "exchange: 9.98e+6", "exchange: 6.65e+6", H200, "exchange in eight bits both ways"),
    (TABLE, "reduced: 1.749e+6", "reduced: 0.875e+6", H200, "one sum a layer"),
    (TABLE, "h200:   {memory: 1.41e+11, bandwidth: 4.8e+12", "h200:   {memory: 1.41e+11, bandwidth: 4.0e+12", H200, "4 TB/s of H200"),
    (TABLE, "h200:   {memory: 1.41e+11, bandwidth: 4.8e+12, fp8: 1.979e+15", "h200:   {memory: 1.41e+11, bandwidth: 4.8e+12, fp8: 3.958e+15",
     H200, "sparse rates of H200"),
    (TABLE, "fp4: 1.5e+16, link: 9.0e+11", "fp4: 1.5e+16, link: 1.8e+12", GB300, "both directions of NVLink"),
    (TABLE, "bandwidth: 0.794, compute: 0.2208", "bandwidth: 0.85, compute: 0.2208", H200, "85 % of bandwidth"),
    (TABLE, "{draft: 1.03e-3", "{draft: 1.5e-3", GB300, "1.5 ms of drafting"),
    (TABLE, "{1024: 2.349, 8192: 2.739}", "{1024: 2.349, 8192: 2.6}", LENGTHS, "fewer accepted at length"),
    (TABLE, "\n  sglang: {drafts: 0.643", "\n  sglang: {drafts: 0.7", ENGINE, "sglang's drafts"),
    (S, "1.0 + factor[\"drafts\"] * (a - 1.0)", "factor[\"drafts\"] * a", ENGINE, "all tokens by the engine's factor"),
    (S, 'fit.pop("eight", 1.0) if instance.precision == "fp8" else 1.0', 'fit.pop("eight", 1.0)', GB300, "eight bits' latency in four"),
    (S, "latency * t for way, t", "t for way, t", EIGHT, "eight bits' latency left out"),
    (S, "min(options.max_gpus or MAX_INSTANCE,", "min(MAX_INSTANCE,", LARGEST, "the largest instance not bounded"),
    (S, "for k in range(6, -1, -1)", "for k in range(5, -1, -1)", GB300, "instances of 32 at most"),
    # power at work
    (S, "x = (np.maximum(np.asarray(requests, float), 0.0) / law[\"half\"]) ** law[\"exponent\"]",
     "x = np.maximum(np.asarray(requests, float), 0.0) / law[\"half\"]", CURVE, "a power curve without exponent"),
    (S, "scale = 1.0 if rated is None else rated / law[\"rated\"]", "scale = 1.0", CURVE, "power of the chip that was measured"),
    (TABLE, "alone: 339.3, full: 987.8", "alone: 339.3, full: 1000.0", CURVE, "full power at many requests"),
    (TABLE, "half: 0.585, exponent: 0.818", "half: 0.8, exponent: 0.818", CURVE, "the curve of mi355x"),
    (TABLE, "  prefill: 0.886", "  prefill: 0.95", DRAW, "prefill at 95 %"),
    (T, "/ (terms.input_tokens + terms.output_tokens) / terms.interactivity", "/ terms.interactivity", DRAW, "inputs in decode"),
    (T, "held = requests(terms, rate) / np.maximum(1.0 - reading, 1e-3)", "held = requests(terms, rate)", DRAW, "requests over all accelerators"),
    (T, "reading * physics()[\"power\"][\"prefill\"] + (1.0 - reading) *", "reading * physics()[\"power\"][\"prefill\"] +", DRAW, "decode power of all"),
    # queues
    (W, "factor, spare, waits = 0.5 * (1.0 + s.scv)", "factor, spare, waits = 1.0 * (1.0 + s.scv)", ERLANG, "Allen and Cunneen without their half"),
    (W, "np.exp(servers * np.log(load) - load - scipy.special.gammaln(servers + 1)) / (1.0 - load / servers)", "np.exp(servers * np.log(load) - load - scipy.special.gammaln(servers + 1))",
     ERLANG, "Erlang B for C"),
    (W, "factor**2 * waits * (2.0 - waits) / spare**2", "factor**2 * waits / spare**2", ERLANG, "variance of the wait"),
    (W, "variance[i] = s.visits * (factor**2", "variance[i] = s.visits**2 * (factor**2", VISITS, "visits that vary together"),
    (W, "flow, service_time = arrival_rate * s.visits,", "flow, service_time = arrival_rate,", VISITS, "visits left out of the flow"),
    (W, "np.inf if self.is_delay else self.max_rate / self.visits", "np.inf if self.is_delay else self.max_rate", VISITS, "capacity in visits"),
    (W, "np.minimum(n, self.servers) * self.rates[0]", "self.servers * self.rates[0]", REPAIR, "idle servers serve"),
    (W, "[_poisson(think_time * scale, users)]", "[_poisson(0.5 * think_time * scale, users)]", REPAIR, "half of the think time"),
    (W, "throughput = scale * constants[users - 1] / constants[users]", "throughput = scale * constants[users] / constants[users - 1]", REPAIR, "throughput upside down"),
    (W, "shape = mean**2 / variance", "shape = mean / variance", GAMMA, "the shape of the gamma"),
    (W, "gammaincinv(shape, share) * mean / shape", "gammaincinv(shape, share) * mean", GAMMA, "the scale of the gamma"),
    # agents
    (A, "computed = s.isl * (1.0 - agent.reused)\n    prefill", "computed = s.isl * (1.0 - agent.hit_rate)\n    prefill", ALONE, "all hits reach their cache"),
    (A, "tools = agent.turns, agent.turns - 1", "tools = agent.turns, agent.turns", ALONE, "a tool after the answer"),
    (A, '("network", pools.network, 1.0 - agent.reused), ("storage", pools.storage, agent.reused)',
     '("network", pools.network, agent.reused), ("storage", pools.storage, 1.0 - agent.reused)', ALONE, "what is found comes by the network"),
    (A, "speed)) / s.osl", "speed)) / s.isl", ALONE, "inputs written"),
    (A, "prefill_rate(s, clock, agent.reused) * s.instance.gpus)\n    turns", "prefill_rate(s, clock) * s.instance.gpus)\n    turns", ALONE,
     "found tokens not attended to"),
    (A, "tool_time: float = 1.0", "tool_time: float = 2.0", SHEET, "tools of 2 s"),
    (A, "retrieval_time: float = 0.05", "retrieval_time: float = 0.1", SHEET, "retrieval of 0.1 s"),
    (A, "software_time: float = 0.01", "software_time: float = 0.02", SHEET, "software of 20 ms"),
    (A, "turns: int = 8", "turns: int = 6", SHEET, "six turns"),
    (A, 'queue("compute: prefill", prefill, pools.prefill,', 'queue("compute: prefill", prefill, 1,', POOLS, "one instance of prefill"),
    (A, "each = np.maximum(n / pools.decode, 1.0)", "each = np.maximum(n, 1.0)",
     tokens("requests_on_instances_of_their_own_do_not_slow_each_other"), "one instance of decode"),
    (AF, "drawn[0] + (drawn[1] - drawn[0]) * part", "drawn[1] * part", BORNE, "agents on a facility that idles for free"),
    (AF, "{n: a + (b - a) * part for n", "{n: b * part for n", BORNE, "energy used from nothing"),
    (AF, "reading / (reading + s.osl / output)", "reading / (s.osl / output)", SPLIT, "instances that read beside all that write"),
    (AF, "reading = s.isl * (1.0 - agent.reused) / float", "reading = s.isl / float", SPLIT, "instances that read what is found"),
    (W, "return (ahead + variance) * (service_time / s.servers) ** 2", "return (ahead + variance) * service_time**2", LOOP, "turns of one server"),
    (TABLE, "h100:   {memory: 8.0e+10, bandwidth: 3.35e+12", "h100:   {memory: 8.0e+10, bandwidth: 2.0e+12", SHEETS, "H100 of PCI Express"),
    (TABLE, "mi325x: {memory: 2.56e+11, bandwidth: 6.0e+12", "mi325x: {memory: 2.88e+11, bandwidth: 6.0e+12", SHEETS, "MI325X announced with 288 GB"),
    (TABLE, "fp4: 1.0066e+16", "fp4: 2.0133e+16", SHEETS, "sparse rates of MI355X"),
    ("twin/components/compute.py", "(capacity * t.chip_scale)[stated]", "capacity[stated]", BORNE, "sandboxes not scaled"),
]
