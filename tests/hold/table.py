"""Each check, what is provoked, and the tests that show that it holds.

A test is a file, or a file and the name of a function (or class) in it; parametrized ones count with all their cases.
`reduced` says what the quick form leaves out, `without` what no form has; `missing` that nothing shows it yet.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    number: str
    provokes: str
    tests: tuple[str, ...] = ()
    reduced: str = ""
    without: str = ""
    missing: str = ""


def check(number: int, provokes: str, *tests: str, reduced: str = "", without: str = "", missing: str = "") -> Check:
    return Check(f"C{number:02d}", provokes, tests, reduced, without, missing)


WORKER = "generation/test_worker.py"
LINE = "accounts/test_line.py"
SIGN_IN = "accounts/test_signing_in.py"
MCP = "generation/mcp_server/test_transport.py"
OPENAI = "generation/providers/test_openai.py"
MACHINES = "hold/test_machines.py"
CONTRACT = f"{OPENAI}::TestContract"  # of every remote provider, against a scripted upstream with these faults

CHECKS = [
    check(
        1,
        "a worker is killed in the middle of its jobs",
        "test_recovery.py::test_jobs_survive_a_killed_worker",
        f"{MACHINES}::test_what_a_worker_host_had_begun_when_it_was_cut_off_is_made_by_the_other",
        reduced="20 jobs, not 100",
    ),
    check(
        2,
        "all workers are gone for a while",
        "hold/test_workers_away.py",
        f"{WORKER}::test_a_row_left_by_its_worker_is_made_by_another",
        f"{WORKER}::test_a_poison_row_ends_after_five_workers",
        reduced="16 jobs, not 100",
    ),
    check(
        3,
        "Redis is killed and comes back empty, under load",
        "hold/test_redis_away.py::test_redis_is_killed_and_comes_back_empty_under_load",
        f"{WORKER}::test_jobs_survive_an_emptied_redis",
        f"{LINE}::test_limits_hold_again_when_redis_has_forgotten_everything",
        reduced="seconds, not a minute",
    ),
    check(
        4,
        "Redis is away",
        f"{LINE}::test_without_redis_each_process_has_its_share",
        f"{LINE}::test_without_redis_each_process_keeps_a_line_of_its_own",
        "generation/test_breaker.py::test_without_redis_each_process_goes_by_itself",
        "accounts/test_tokens.py::test_without_redis_nothing_is_believed_for_long",
        "feeds/test_outbox.py::test_nothing_is_lost_while_redis_is_away",
        "hold/test_redis_away.py::test_while_redis_is_away_texts_are_answered_and_nobody_waits_long",
        reduced="6 seconds, not 30",
    ),
    check(
        5,
        "the database is away",
        "lane/test_lane.py::test_a_database_that_is_full_or_away_is_no_fault_of_ours",
        "web/test_database_trouble.py",
        "lane/test_health.py::test_it_names_the_part_that_is_away",
        "hold/test_database_away.py",
        reduced="4 seconds, not 10",
    ),
    check(
        6,
        "four processes write the same SQLite rows",
        "hold/test_sqlite.py::test_four_processes_count_together_and_no_count_is_lost",
    ),
    check(
        7,
        "the media store is full",
        f"{WORKER}::test_a_full_store_fails_the_job_with_507_and_leaves_no_part",
        "generation/test_store.py::test_a_full_store_is_told_as_full",
    ),
    check(8, "one idempotency key, many times", "generation/api/test_idempotency.py"),
    check(
        9,
        "fifty equal requests, and the first leaves",
        "serving/test_sharing.py",
        f"{MACHINES}::test_equal_requests_at_both_hosts_are_one_call",
        "generation/test_cache.py::test_one_that_leaves_takes_nothing_from_the_others",
    ),
    check(
        10,
        "an upstream accepts and says nothing",
        CONTRACT,
        "generation/providers/test_engine.py::test_silence_ends_at_the_given_time",
        "generation/test_attempts.py::test_another_source_is_asked_at_once",
        "hold/test_upstreams.py::test_one_that_is_silent_is_left_for_another_in_time_and_is_504_alone",
    ),
    check(
        11,
        "an upstream drips",
        CONTRACT,
        "generation/providers/test_pollinations.py::TestContract",
        "lib/fetch/test_fetch.py::test_its_time_is_for_everything_together",
    ),
    check(
        12,
        "endless and swollen answers",
        CONTRACT,
        f"{OPENAI}::test_one_event_has_a_largest_size",
        "lib/fetch/test_fetch.py::test_too_many_bytes_end_it_whether_announced_or_not",
        "hold/test_upstreams.py::test_endless_and_swollen_answers_are_cut_and_cost_little_memory",
        reduced="1 GiB, not 10",
    ),
    check(
        13,
        "broken answers of an upstream",
        CONTRACT,
        "generation/providers/test_pollinations.py::TestContract",
        f"{OPENAI}::test_what_is_no_whole_picture_is_an_error_that_may_be_tried_again",
        f"{OPENAI}::test_bytes_that_are_not_utf8_are_an_error",
        f"{OPENAI}::test_a_stream_that_breaks_off_is_an_error_after_the_pieces_it_gave",
        "generation/providers/test_engine.py::test_what_is_not_whole_is_broken_off",
        "generation/test_attempts.py::test_it_gives_up_after_three_attempts",
    ),
    check(
        14,
        "a source always fails, another works, the first heals",
        "generation/test_breaker.py",
        "generation/test_attempts.py",
        f"{MACHINES}::test_a_source_that_fails_at_one_host_is_left_alone_by_the_other",
        "hold/test_upstreams.py::test_one_that_always_fails_is_left_alone_and_asked_again_when_it_heals",
        reduced="10 a second for 8 seconds, not 20 for 30",
    ),
    check(15, "500 clients leave in the middle", "serving/test_leavers.py"),
    check(
        16,
        "a timer beside mixed load",
        "hold/test_loop_lag.py::test_the_loop_is_on_time_while_pictures_are_made",
        reduced="6 seconds and the last of a hundred, not 60 and the last of a thousand",
    ),
    check(
        17,
        "streams that nobody reads",
        "feeds/test_crowd.py::test_streams_that_nobody_reads_are_cut_and_cost_others_nothing",
    ),
    check(
        18,
        "a thousand sockets, a tenth of which never read",
        "feeds/test_crowd.py::test_of_many_sockets_those_who_read_miss_nothing_and_the_others_are_closed",
        "feeds/test_crowd.py::test_a_socket_that_takes_nothing_hears_4008_when_it_reads_again",
    ),
    check(
        19,
        "coming back to a feed",
        "feeds/test_stream.py::test_a_client_that_resumes_hears_what_it_missed_with_ids",
        "feeds/test_stream.py::test_who_resumes_from_nowhere_gets_the_past_and_ids",
        "feeds/test_stream.py::test_a_quiet_feed_sends_comments",
        "feeds/test_consumers.py::test_it_goes_on_after_the_last_item",
    ),
    check(
        20,
        "the leading relay is killed",
        "feeds/test_relay.py::test_when_the_leader_is_killed_another_takes_over_within_15_seconds_and_repeats_nothing",
        "feeds/test_relay.py::test_of_four_relays_another_takes_over_from_a_leader_that_vanished_and_repeats_nothing",
        "feeds/test_relay.py::test_a_leader_that_lost_its_lease_writes_nothing_more",
        f"{MACHINES}::test_both_hosts_hear_what_the_one_leading_relay_hears_and_what_the_other_host_makes",
    ),
    check(
        21,
        "a remote feed that closes and sends junk",
        "feeds/test_relay.py::test_a_minute_with_a_feed_that_closes_every_three_seconds_and_sends_junk",
        "feeds/test_relay.py::test_a_feed_that_closes_after_every_event_and_sends_junk_is_told_once_and_in_order",
        "feeds/test_relay.py::test_junk_and_what_is_too_big_are_counted_and_passed_over",
        "feeds/test_relay.py::test_it_goes_on_after_the_last_event_it_was_given",
        "feeds/test_remote.py",
    ),
    check(
        22,
        "foreign pages at the wall's socket",
        "lane/test_sockets.py",
        "feeds/test_servers.py::test_the_wall_opens_for_pages_of_the_site_only",
    ),
    check(
        23,
        "heads and bodies that drip",
        "lane/test_protocol.py::test_it_waits_for_a_head_only_so_long",
        "lane/test_handler.py::test_it_stops_waiting_for_a_dripping_body",
        "lane/test_protocol.py::test_it_lets_a_slow_body_live_longer_than_the_heads_deadline",
        "hold/test_dripping.py",
        reduced="80 heads, not 250 and 250 bodies",
    ),
    check(
        24,
        "asked to end with requests, streams and sockets open",
        "lane/test_servers.py::test_it_ends_its_streams_and_leaves_with_0_when_it_is_asked_to",
        "test_supervise.py::test_an_open_stream_ends_whole_and_is_not_waited_for",
        "test_supervise.py::test_a_signal_ends_it_in_time_and_leaves_nothing_behind",
        f"{WORKER}::test_draining_gives_unfinished_rows_back",
        "feeds/test_consumers.py::test_a_restart_says_goodbye",
        "hold/test_leaving.py",
        reduced="8 requests of 3 s, 10 streams and 10 sockets, not 20 of 5 s, 50 and 50",
    ),
    check(
        25,
        "migration from the release before, under load",
        "hold/test_migration.py",
        reduced="4 requests a second, not 10",
    ),
    check(26, "backup under load, restore elsewhere", "test_backup.py"),
    check(27, "unsafe settings in production", "test_production.py"),
    check(
        28,
        "requests made from the reference",
        "generation/api/test_reference.py",
        "generation/api/test_anything.py",
        reduced="300 of them, not 10,000",
        without="PostgreSQL, where `make test-services` sends 300",
    ),
    check(
        29,
        "any prompt by GET",
        "serving/test_served.py::test_a_prompt_keeps_every_byte_on_its_way",
        "lane/test_lane.py::test_it_hands_a_prompt_on_as_it_was_sent",
        "lane/test_protocol.py::test_it_takes_a_request_line_of_32_kib_and_one_more_byte_is_414",
    ),
    check(30, "thirty hostile media files", "generation/pictures/test_reading.py", "generation/api/test_inputs.py"),
    check(31, "eighty addresses that lead inside", "lib/fetch/test_inside.py", "lib/fetch/test_fetch.py"),
    check(
        32,
        "markup as prompt, output and names",
        "web/test_live.py::test_a_prompt_that_is_markup_stays_text",
        "feeds/test_remote.py::test_markup_stays_text",
        "web/test_transcribe.py::test_the_words_are_shown_and_run_nothing",
        "web/test_site.py::test_pages_have_no_inline_style_or_script_and_load_nothing_from_elsewhere",
        "e2e/test_hostile_texts.py",
        reduced="what is sent; what a browser runs, with sixty payloads, is of the full form and of `make e2e`",
    ),
    check(33, "everybody at every page of a team", "accounts/test_matrix.py"),
    check(
        34,
        "fifty tokens and where they could be found",
        "accounts/test_secrets.py",
        "accounts/test_tokens.py",
        "test_revocation_over_processes.py",
    ),
    check(
        35,
        "eight clients on one key over four processes",
        "test_limits_over_processes.py::test_clients_of_one_token_share_its_limits",
        "test_limits_over_processes.py::test_whoever_leaves_frees_the_place_within_a_second",
        f"{MACHINES}::test_the_limits_of_one_token_hold_over_both_hosts",
        LINE,
    ),
    check(
        36,
        "forged addresses",
        "test_limits_over_processes.py::test_forty_forged_addresses_before_a_proxy_s_own_are_one_caller",
        "test_limits_over_processes.py::test_a_thousand_addresses_of_one_network_are_one_caller",
        "lane/test_reading.py",
    ),
    check(
        37,
        "forged forms, leading elsewhere, guessing passwords",
        f"{SIGN_IN}::TestLimits",
        f"{SIGN_IN}::TestForgery",
        f"{SIGN_IN}::TestWhereItLeads",
        "accounts/test_matrix.py::test_a_token_opens_no_page",
        reduced="30 guesses, not 1,000",
    ),
    check(
        38,
        "installing and starting without a network",
        "project/test_supply.py",
        "hold/test_no_network.py::test_it_starts_and_works_in_a_machine_without_a_network",
        reduced="no audit: the tools for it need a network",
    ),
    check(
        39,
        "private generations by every route",
        "gallery/test_explore.py::test_it_never_shows_what_is_not_for_strangers",
        "web/test_public.py::test_the_map_lists_pages_and_public_items_only",
        "generation/test_cache.py::test_each_scope_gets_its_own_newest_and_nothing_that_is_hidden",
        f"{MCP}::test_a_private_item_is_no_resource",
        "generation/api/test_private_by_every_route.py",
    ),
    check(
        40,
        "control characters in what is logged",
        "lib/test_log.py",
        "hold/test_log_lines.py::test_two_hundred_hostile_requests_are_two_hundred_lines",
    ),
    check(41, "hostile assistants", MCP),
    check(
        42,
        "any process is killed, every five seconds",
        "hold/test_kill_storm.py::test_no_job_is_lost_or_doubled_while_processes_are_killed",
    ),
    check(
        43,
        "everything at once for half an hour, and one in ten leaves in the middle",
        "hold/test_soak.py::test_after_everything_at_once_an_installation_is_as_it_was",
    ),
]
