"""Serving: fronts, the roofline and its tables, the power of chips at work, queues and agents."""

# ruff: noqa: E501
# fmt: off

R, O, S, W, A, T = (f"twin/serving/{n}.py" for n in ("roofline", "points", "platforms", "stations", "agents", "tokens"))
F, AF, TABLE = "twin/serving/fronts.py", "twin/study/agents.py", "layouts/serving/physics.yaml"
M, SHAPES = "twin/serving/models.py", "twin/facility/shapes.py"
ROOFLINE, TOKENS, MODELS = (f"physics/test_serving_{n}.py" for n in ("roofline", "tokens", "models"))


def roofline(*names):
    return tuple(f"{ROOFLINE}::test_{n}" for n in names)


def tokens(*names):
    return tuple(f"{TOKENS}::test_{n}" for n in names)


def models(*names):
    return tuple(f"{MODELS}::test_{n}" for n in names)


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
CURVE = tokens("a_chip_draws_by_what_its_step_waits_works_and_reads")
DRAW = tokens("chips_that_serve_draw_by_what_their_work_waits_for")
FITTED = ("cases/serving/test_serving.py::test_shipped_powers_are_the_fit",)
TURNS = roofline("accelerators_that_prefill_in_turn_serve_what_is_left_of_their_time")
FIRST = roofline("first_tokens_wait_for_turns_and_for_steps_between_looks")
TURNS_TOO = tokens("a_chip_draws_by_what_its_step_waits_works_and_reads")
MEASURED = roofline("physics_serves_platforms_as_they_were_measured")
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
COUNTS = models("parameters_are_those_that_makers_publish")
COMPRESSED = models("compressed_attention_is_counted_by_its_matrices")
GROUPED = models("grouped_queries_are_counted_by_their_matrices")
LAYERED = models("experts_and_windows_are_counted_layer_by_layer")
TIED = models("one_matrix_that_embeds_and_unembeds_counts_once")
CHECKPOINT = models("a_checkpoint_in_four_bits_is_as_large_as_published")
DENSE = models("a_dense_model_is_split_over_all_and_its_cache_over_heads_of_keys_and_values")
WINDOW = models("windowed_layers_keep_and_attend_to_no_more_than_their_window")
FOUR = models("weights_in_four_bits_are_computed_at_the_next_precision_that_there_is")
FAR = models("instances_beyond_a_domain_have_a_latency_of_their_own_where_one_was_fitted")
EQUAL = models("accelerators_take_equal_shares_of_heads_and_copies_fill_up_experts")
BEYOND = tokens("beyond_the_speed_of_physics_tokens_follow_the_clock_as_at_the_last_that_it_serves")
LEAP = tokens("the_price_of_a_clock_does_not_leap_where_physics_ends")
STILL = tokens("a_clock_that_stands_still_serves_nothing")
IN_TURNS = ("physics/test_money_day.py::test_turns_of_prefill_keep_their_objective_up_to_a_load_of_the_same_queue",)
NO_POOLS = tokens("agents_are_not_served_by_engines_that_prefill_in_turns")
SPLITS = models("sizes_end_where_neither_heads_nor_experts_can_be_split")
OWN = models("a_model_of_ones_own_serves_what_the_roofline_by_hand_gives")
REFUSED = models("what_cannot_be_served_is_refused_in_a_line")
TOLD = models("results_say_how_well_the_physics_of_their_model_is_known")
DRAFTED = models("drafts_are_those_of_the_model_unless_others_are_asked_for")
LISTING = ("cases/serving/test_other_models.py::test_the_listing_is_what_physics_serves",)

MUTANTS = [
    # fronts and tokens
    (F, "np.exp(np.interp(np.asarray(interactivity, float), self.interactivity, np.log(self.rate), right=-np.inf))",
     "np.interp(interactivity, self.interactivity, self.rate, right=0.0)", BETWEEN, "rates linear between points"),
    (F, "np.log(self.rate), right=-np.inf", "np.log(self.rate)", BETWEEN, "the last rate holds beyond the front"),
    (F, "np.log(self.rate), right=-np.inf", "np.log(self.rate), left=-np.inf, right=-np.inf", BETWEEN, "nothing below the front"),
    (T, "else terms.clock_exponent)", "else 1.0)", FOLLOW, "tokens by the clock whatever the exponent"),
    (T, "each[:, at] *= t.availability", "pass", FOLLOW, "availability left out"),
    (T, "served = chips[rows] * busy[rows] * each", "served = chips[rows] * each", FOLLOW, "idle chips serve"),
    (T, "terms.clock_exponent is None and has_physics(terms, platform)", "terms.clock_exponent is None and False", PRICE, "tokens of fronts by the clock"),
    ("twin/facility/sections.py", "interactivity: Number = Field(116.7", "interactivity: Number = Field(120.0", POINTS, "120 tokens/s/user"),
    # the roofline
    (R, "2.0 * m.active * tokens", "m.active * tokens", PARTS, "one operation a parameter"),
    (R, "f.compute * c.peak[s.arithmetic] * clock", "f.compute * c.peak[s.arithmetic]", CLOCK, "arithmetic without its clock"),
    (R, '(f.attention * c.peak["fp8"] * clock)', '(f.attention * c.peak[i.precision] * clock)', GB300, "attention in four bits"),
    (R, '(f.attention * c.peak["fp8"] * clock)', '(f.compute * c.peak["fp8"] * clock)', PARTS, "attention at the share of compute"),
    (R, "rate = f.bandwidth * c.bandwidth", "rate = c.bandwidth", PARTS, "the whole bandwidth"),
    (R, "b * i.verified * np.log1p", "b * np.log1p", GB300, "experts of one token a request"),
    (R, "np.log1p(-m.chosen / m.experts)", "(-m.chosen / m.experts)", PARTS, "experts drawn at a rate"),
    (R, "m.dense / (i.gpus if tensor else 1) + per_expert * m.expert * touched / i.gpus", "m.dense / i.gpus + per_expert * m.expert * touched / i.gpus",
     PARTS, "dense weights always split"),
    (R, "cache = m.cache * context * b / cache_parts(s, way)", "cache = m.cache * context * b / i.gpus", PARTS,
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
    (R, "float(s.model.kept(s.isl + s.osl)) /", "float(s.model.kept(s.mean_context)) /", MEMORY, "memory for the mean context"),
    (R, "np.floor((free + s.host_cache + s.storage_cache) / each)", "np.floor(free / each)", MEMORY, "tiers hold nothing"),
    (R, "(host / c.host if s.host_cache else 0.0)", "(host / c.link if s.host_cache else 0.0)", TIERS, "hosts at the link's rate"),
    (R, "beyond / s.storage", "beyond / c.host", TIERS, "storage at the host's rate"),
    (R, "near = np.minimum(cache, free)", "near = 0.5 * np.minimum(cache, free)", TIERS, "memory half used"),
    (R, "m.kept(0.5 * (1.0 + hit_rate) * s.isl)", "m.kept((1.0 + hit_rate) * s.isl)",
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
    (O, "total = output * (s.isl + s.osl) / s.osl / (1.0 + readers)", "total = output * (s.isl + s.osl) / s.osl",
     H200, "prefill for free"),
    (O, "reading = s.isl / (prefill_rate(s, clock) * s.instance.gpus)", "reading = s.isl / prefill_rate(s, clock)", H200,
     "prompts read by one accelerator"),
    (O, "output = np.where(good, b * seen / s.instance.gpus, 0.0)", "output = np.where(good, b * seen * s.accepted / s.instance.gpus, 0.0)", GB300,
     "accepted tokens counted twice"),
    (O, "latency = np.where(good, ttft + s.osl / np.where", "latency = np.where(good, s.osl / np.where", ENDS, "requests end without their first token"),
    (O, "else output * s.prompt_cache / s.osl,\n        np.full", "else output * s.prompt_cache / s.isl / s.osl,\n        np.full", ENDS, "a byte of cache handed over"),
    # its tables
    (TABLE, "active: 3.7e+10", "active: 4.0e+10", H200, "40 billion active"),
    (TABLE, "h200:   {memory: 1.41e+11, bandwidth: 4.8e+12", "h200:   {memory: 1.41e+11, bandwidth: 4.0e+12", H200, "4 TB/s of H200"),
    (TABLE, "h200:   {memory: 1.41e+11, bandwidth: 4.8e+12, fp8: 1.979e+15", "h200:   {memory: 1.41e+11, bandwidth: 4.8e+12, fp8: 3.958e+15",
     H200, "sparse rates of H200"),
    (TABLE, "fp4: 1.5e+16, link: 9.0e+11", "fp4: 1.5e+16, link: 1.8e+12", GB300, "both directions of NVLink"),
    (TABLE, "bandwidth: 0.794, compute: 0.2208", "bandwidth: 0.85, compute: 0.2208", H200, "85 % of bandwidth"),
    (TABLE, "{draft: 1.03e-3", "{draft: 1.5e-3", GB300, "1.5 ms of drafting"),
    (TABLE, "{1024: 2.349, 8192: 2.739}", "{1024: 2.349, 8192: 2.6}", LENGTHS, "fewer accepted at length"),
    (TABLE, "\n  dynamo-sglang: {drafts: 0.643", "\n  dynamo-sglang: {drafts: 0.7", ENGINE, "sglang's drafts"),
    (S, "1.0 + factor[\"drafts\"] * (a - 1.0)", "factor[\"drafts\"] * a", ENGINE, "all tokens by the engine's factor"),
    (S, 'fit.pop("eight", 1.0) if instance.precision == "fp8" else 1.0', 'fit.pop("eight", 1.0)', GB300, "eight bits' latency in four"),
    (S, "latency * t for way, t", "t for way, t", EIGHT, "eight bits' latency left out"),
    (S, "min(options.max_gpus or MAX_INSTANCE,", "min(MAX_INSTANCE,", LARGEST, "the largest instance not bounded"),
    (S, "for k in range(6, -1, -1)", "for k in range(5, -1, -1)", GB300, "instances of 32 at most"),
    # models
    (M, "GATED = 3", "GATED = 2", COUNTS, "feed-forwards without gates"),
    (M, "CACHE_BYTES = 1", "CACHE_BYTES = 2", (*COMPRESSED, *GROUPED), "a cache in 16 bits"),
    (M, "SUMS = 2", "SUMS = 1", COMPRESSED, "one sum a layer"),
    (M, "SUM_BYTES = 2", "SUM_BYTES = 1", COMPRESSED, "sums in eight bits"),
    (M, "EXCHANGE_BYTES = 3", "EXCHANGE_BYTES = 2", COMPRESSED, "exchange in eight bits both ways"),
    (M, "dense - (0 if shape.tied else embedding)", "dense - (0 if shape.tied else 2 * embedding)", GROUPED, "no arithmetic of the last layer"),
    (M, "dense - (0 if shape.tied else embedding)", "dense - embedding", TIED, "a tied matrix that is only looked up"),
    (M, "expert * (shape.chosen or 0) / max(shape.experts, 1)", "expert / max(shape.experts, 1)", LAYERED, "one expert a token"),
    (M, "used if active is None else active", "used", H200, "active parameters counted where they are stated"),
    (M, "cache=shape.layers * cached", "cache=shape.layers * 2 * cached", GROUPED, "keys and values twice"),
    (M, "exchange=routed *", "exchange=shape.layers *", COMPRESSED, "dense layers exchange"),
    (M, "kv_heads=shape.kv_heads or 1", "kv_heads=shape.kv_heads or shape.heads", COMPRESSED, "latents split over heads"),
    (M, "windowed=shape.windowed_layers / shape.layers", "windowed=0.0", LAYERED, "no layer windowed"),
    (M, "return (s.layers - s.unrouted) * s.experts", "return s.layers * s.experts", COMPRESSED, "experts in dense layers"),
    (M, "(1 if s.tied else 2) * s.vocabulary", "2 * s.vocabulary", TIED, "a tied matrix twice"),
    (M, "feed_forward = s.unrouted *", "feed_forward = s.layers *", COMPRESSED, "dense feed-forwards everywhere"),
    (M, "shared = s.shared_experts *", "shared = 0 *", COMPRESSED, "no shared expert"),
    (M, "(shared + s.hidden * s.experts)", "shared", LAYERED, "no routers"),
    (M, "(s.heads + (s.kv_heads or 0))", "(s.heads + s.heads)", GROUPED, "keys and values of all heads"),
    (M, "rank * s.heads * (s.head_size + rope)", "rank * s.heads * s.head_size", COMPRESSED, "queries without rotary parts"),
    (M, "s.kv_rank * s.heads * (s.head_size + value)", "s.kv_rank * s.heads * s.head_size", COMPRESSED, "latents without values"),
    (M, "s.hidden * (s.kv_rank + rope)", "s.hidden * s.kv_rank", COMPRESSED, "no rotary key"),
    (M, "s.heads * value * s.hidden", "s.heads * s.head_size", COMPRESSED, "no output of attention"),
    (M, "return 2 * (s.kv_heads or 0) * s.head_size", "return 2 * s.heads * s.head_size", GROUPED, "a cache of all heads"),
    (M, "return s.kv_rank + (s.rope or 0)", "return s.kv_rank", COMPRESSED, "a cache of 512 a layer"),
    (M, "each = 2 * s.layers * s.heads", "each = s.layers * s.heads", COMPRESSED, "a product without its sum"),
    (M, "return each * 2 * s.head_size, each", "return each * s.head_size, each", GROUPED, "scores only, in decode"),
    (M, ", each * 2 * s.head_size\n", ", each * s.head_size\n", GROUPED, "scores only, in prefill"),
    (M, "each * (2 * s.kv_rank + rope)", "each * 2 * s.kv_rank", COMPRESSED, "attention of 512 + 512"),
    (M, "each * (s.head_size + rope + value)", "each * (s.head_size + value)", COMPRESSED, "prefill's attention without rotary parts"),
    (M, "    if name in own:\n        return derive_model(name, own[name])\n", "", OWN, "a layout's own models unknown"),
    (M, 'if checked == "none":', 'if checked == "nothing":', TOLD, "unchecked models break"),
    (SHAPES, "(0 if self.experts else self.layers) if self.dense", "self.layers if self.dense", LAYERED, "all layers dense"),
    (R, "MXFP4, REST = 0.53125, 2.0", "MXFP4, REST = 0.5625, 2.0", CHECKPOINT, "a scale for every sixteen"),
    (R, "MXFP4, REST = 0.53125, 2.0", "MXFP4, REST = 0.53125, 1.0", CHECKPOINT, "the rest in eight bits"),
    (R, 'if self.mxfp4 and precision == "fp4"', "if self.mxfp4", CHECKPOINT, "four bits where eight are asked for"),
    (R, "(1.0 - self.windowed) * tokens + self", "tokens + self", WINDOW, "windows beside whole contexts"),
    (R, "np.minimum(tokens, self.window)", "self.window", LAYERED, "windows that are always full"),
    (R, "context = m.kept(s.mean_context)", "context = s.mean_context", WINDOW, "decode without windows"),
    (R, "m.reading * m.kept(0.5", "m.reading * (0.5", WINDOW, "prefill without windows"),
    (R, "float(s.model.kept(s.isl + s.osl))", "(s.isl + s.osl)", WINDOW, "memory without windows"),
    (R, "float(self.model.kept(self.isl)) *", "self.isl *", WINDOW, "prompts without windows"),
    (R, 'min(s.instance.gpus, s.model.kv_heads) if parallel == "tensor"', '1 if parallel == "tensor"', DENSE, "every cache replicated"),
    (R, "min(s.instance.gpus, s.model.kv_heads)", "s.model.kv_heads", DENSE, "caches over more than there are"),
    (R, "np.log1p(-m.chosen / m.experts)) if m.experts else np.zeros(())", "np.log1p(-m.chosen / m.experts))", DENSE, "experts that there are not"),
    (R, 'in self.chip.peak else "fp8"', 'in self.chip.peak else "fp4"', FOUR, "a precision that there is not"),
    (R, "f, p = s.model, s.fit, s.arithmetic", "f, p = s.model, s.fit, s.instance.precision", FOUR, "prefill in four bits"),
    (R, "(f.far or f.fixed if i.gpus > c.domain else f.fixed)", "(f.far or f.fixed)", FAR, "the latency of two domains in one"),
    (R, "(f.far or f.fixed if i.gpus > c.domain else f.fixed)", "f.fixed", FAR, "the latency of one domain in two"),
    (R, "\"expert\": gpus <= self.experts", "\"expert\": True", SPLITS, "experts cut in pieces"),
    (R, "\"tensor\": self.heads % gpus == 0", "\"tensor\": self.heads >= gpus", EQUAL, "unequal shares of heads"),
    (R, "\"expert\": gpus <= self.experts", "\"expert\": self.experts % gpus == 0", EQUAL, "experts without copies"),
    (S, "shares = COARSE if last is None else last.shares", "shares = COARSE", (*BEYOND, *LEAP), "a price that leaps where physics ends"),
    (S, "total[lowest] * COARSE / COARSE[lowest]", "total[lowest]", BEYOND, "tokens that no slower clock costs"),
    (S, "slow = np.minimum(clock / COARSE[0], 1.0)", "slow = 1.0 * (clock >= COARSE[0])", STILL, "clocks that leap to nothing"),
    (S, "used = busy if s.instance.shared else 1.0", "used = 1.0", IN_TURNS, "turns all taken by prompts"),
    (S, "latency, reading, busy = (float(x) for x in prompt(s, served.requests, clock))", "latency, reading, busy = (float(x) for x in prompt(s, 1.0, clock))", IN_TURNS, "looks between steps of one request"),
    (AF, "if is_shared(engine):", "if False:", NO_POOLS, "pools of engines that have none"),
    (R, "if i.verified > 1 and not m.drafts:", "if False:", REFUSED, "drafts of models without"),
    (R, "if self.isl + self.osl > m.context:", "if self.isl > m.context:", REFUSED, "tokens out beyond the context"),
    (S, " and model.splits(2**k)]", "]", SPLITS, "instances beyond heads and experts"),
    (S, "return own if options.drafts is None else options.drafts", "return own", DRAFTED, "drafts always the model's own"),
    (S, "four = model_of(model).mxfp4 or", "four =", models("four_bits_that_a_model_is_published_in_are_served_by_chips_that_compute_in_eight"),
     "a model in four bits served in eight"),
    (TABLE, "    far: {tensor: 1.865e-2, expert: 1.865e-2}", "    far: {tensor: 1.0e-2, expert: 1.0e-2}",
     ("cases/serving/test_serving.py::test_shipped_further_numbers_are_where_the_fit_starts",), "h100 as fast over two domains"),
    (TABLE, "h100:\n    fixed: {tensor: 1.022e-2", "h100:\n    fixed: {tensor: 1.865e-2", LISTING, "h100 slow in one domain"),
    (TABLE, "kv_heads: 8, head_size: 128, feed_forward: 28672", "kv_heads: 64, head_size: 128, feed_forward: 28672", GROUPED, "Llama of 64 heads of keys"),
    (TABLE, "windowed_layers: 18", "windowed_layers: 36", LAYERED, "all layers of gpt-oss windowed"),
    (TABLE, "expert_feed_forward: 1536", "expert_feed_forward: 2048", COUNTS, "wide experts of Qwen3"),
    # power at work
    (R, "return (self.fixed + self.draft + self.exchange) / self.time", "return self.fixed / self.time", CURVE, "links and drafts at work"),
    (S, "(wait * self.wait + (1.0 - wait) * self.work)", "(wait * self.wait + self.work)", CURVE, "work all the time"),
    (S, "1.0 - user_speed(s, requests) / interactivity(s, requests)", "0.0", CURVE, "turns of prefill at the power of decode"),
    (TABLE, "b200: {rated: 1000, idle: 255, wait: 331, work: 948, read: 886}", "b200: {rated: 1000, idle: 255, wait: 360, work: 948, read: 886}", FITTED, "a B200 that waits at 360 W"),
    (TABLE, "mi355x: {rated: 1400, idle: 267, wait: 356, work: 916", "mi355x: {rated: 1400, idle: 267, wait: 356, work: 960", FITTED, "an MI355X that works at 960 W"),
    (TABLE, "h200: {rated: 700, idle: 79, wait: 137, work: 300, read: 550}", "h200: {rated: 700, idle: 79, wait: 137, work: 300, read: 620}", DRAW, "an H200 that reads at 620 W"),
    (T, "draw.mean(reading, waiting_at_clocks(where, clock, how))", "draw.mean(reading, 0.0)", DRAW, "decode that never waits"),
    (S, "read * self.read + (1.0 - read) *", "read * self.read + 1.0 *", DRAW, "decode power of all"),
    (O, "alone / (1.0 + inputs / (s.instance.gpus * prefill_rate(s, clock)))", "alone / (1.0 + inputs / prefill_rate(s, clock))", TURNS, "turns of one accelerator"),
    (O, "inputs = np.asarray(requests) * alone * s.isl / s.osl", "inputs = np.asarray(requests) * alone", TURNS_TOO, "as many tokens in as out"),
    (O, "reading * (1.0 + 0.5 * busy / (1.0 - busy))", "reading * (1.0 + busy / (1.0 - busy))", FIRST, "prompts of times at random"),
    (O, "looks = 0.5 * np.where(b < MANY, few, many)", "looks = np.where(b < MANY, few, many)", FIRST, "whole intervals between looks"),
    (O, "MANY = 16", "MANY = 32", FIRST, "many from 32 requests"),
    (O, "Prompt(s.fit.turns + looks", "Prompt(s.fit.first + looks", FIRST, "turns that hand prompts over"),
    (TABLE, "polls: [10, 30]", "polls: [10, 20]", FIRST, "looks after 20 steps"),
    (O, "readers = 0.0 if s.instance.shared else", "readers =", TURNS, "turns and pools at once"),
    (S, "engine=engine, shared=is_shared(engine))", "engine=engine)", MEASURED, "one system as two pools"),
    (S, "own = 0 if platform in engine.get(\"undrafted\", ()) else model_of(model).drafts", "own = model_of(model).drafts", MEASURED, "drafts on MI300X"),
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
