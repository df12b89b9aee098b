"""Which test proves which promise on HTTP (group H), and that each of them is there.

A promise is named by its number, a test by its file and name. A test that is renamed or removed fails here.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]

PROVEN: Mapping[str, tuple[str, ...]] = {
    "H1": ("edge/test_malformed_requests.py::test_is_refused_and_reaches_nobody",
           "edge/test_second_reader.py::test_whatever_reaches_the_upstream_is_one_request_and_the_same_to_both"),
    "H2": ("edge/test_malformed_requests.py::test_is_refused_and_reaches_nobody",
           "edge/test_forwarding.py::test_equal_lengths_become_one"),
    "H3": ("edge/test_malformed_requests.py::test_is_refused_in_pieces_too",),
    "H4": ("edge/test_malformed_requests.py::test_is_refused_and_reaches_nobody",),
    "H5": ("edge/test_malformed_requests.py::test_is_refused_and_reaches_nobody",),
    "H6": ("edge/test_malformed_requests.py::test_is_refused_and_reaches_nobody",),
    "H7": ("edge/test_malformed_requests.py::test_is_refused_and_reaches_nobody",),
    "H8": ("edge/test_malformed_requests.py::test_is_refused_in_pieces_too",),
    "H9": ("edge/test_framing.py::test_bad_chunks_are_refused_at_once",
           "edge/test_framing.py::test_extensions_are_bounded_together",
           "edge/test_bodies.py::test_a_malformed_body_never_completes_upstream",
           "edge/test_forwarding.py::test_a_chunked_body_is_put_together_anew"),
    "H10": ("edge/test_trailers.py::test_of_a_request_s_trailers_only_safe_ones_go_upstream",
            "edge/test_trailers.py::test_of_an_answer_s_trailers_safe_ones_reach_who_asked",
            "edge/test_trailers.py::test_who_did_not_ask_gets_none"),
    "H11": ("edge/test_malformed_requests.py::test_is_refused_and_reaches_nobody",),
    "H12": ("edge/test_targets.py::test_unknown_hosts_are_refused",
            "edge/test_targets.py::test_the_absolute_form_decides_the_host",
            "edge/test_tls.py::test_a_name_that_is_not_ours_is_refused_in_the_handshake"),
    "H13": ("edge/test_malformed_requests.py::test_is_refused_and_reaches_nobody",),
    "H14": ("edge/test_malformed_requests.py::test_is_refused_and_reaches_nobody",),
    "H15": ("edge/test_malformed_requests.py::test_is_refused_and_reaches_nobody",
            "edge/test_bodies.py::test_a_declared_body_above_the_limit_never_starts",
            "portal/test_documentation_edge.py::test_every_bound_of_the_edge_stands_in_its_row"),
    "H16": ("edge/test_bodies.py::test_a_body_without_length_is_counted_while_it_streams",),
    "H17": ("edge/test_forwarding.py::test_connection_takes_away_what_it_names_and_nothing_of_ours",
            "edge/test_forwarding.py::test_of_an_answer_only_what_is_meant_for_the_client_passes"),
    "H18": ("edge/test_forwarding.py::test_names_that_are_the_gateways_own_do_not_pass",
            "portal/test_documentation_edge.py::test_a_header_that_is_said_to_go_is_gone_and_a_twin_is_refused"),
    "H19": ("edge/test_whole_line.py::test_identity_cannot_be_set_by_the_client",
            "edge/test_forwarding.py::test_names_that_are_the_gateways_own_do_not_pass"),
    "H20": ("edge/test_forwarding.py::test_the_clients_address_is_what_trusted_proxies_say",
            "edge/test_forwarding.py::test_only_the_socket_s_peer_can_be_a_trusted_proxy",
            "edge/test_testimony.py::test_forwarded",
            "edge/test_proxy_protocol.py::test_the_client_is_whom_the_proxy_announces"),
    "H21": ("edge/test_targets.py::test_routing_and_upstream_see_the_same_bytes",
            "edge/test_whole_line.py::test_no_trick_leads_a_caller_past_the_published_paths"),
    "H22": ("edge/test_targets.py::test_tricks_never_reach_an_upstream",
            "edge/test_whole_line.py::test_no_trick_leads_a_caller_past_the_published_paths"),
    "H23": ("edge/test_targets.py::test_tricks_never_reach_an_upstream",
            "edge/test_malformed_requests.py::test_is_refused_and_reaches_nobody"),
    "H24": ("edge/test_whole_line.py::test_the_query_reaches_the_upstream_as_it_was_sent",),
    "H25": ("edge/test_forwarding.py::test_answers_without_a_body",
            "edge/test_passing.py::test_the_answer_to_head_is_what_get_would_have_said",
            "edge/test_passing.py::test_a_refusal_of_head_has_no_body"),
    "H26": ("edge/test_whole_line.py::test_a_refusal_comes_before_the_body_is_sent",
            "edge/test_whole_line.py::test_other_expectations",
            "edge/test_forwarding.py::test_expect_is_answered_here"),
    "H27": ("edge/test_tunnels.py::test_other_upgrades_are_stripped",
            "edge/test_tunnels.py::test_a_faulty_handshake_never_leaves_the_edge"),
    "H28": ("edge/test_trailers.py::test_early_hints_are_relayed_at_once",
            "edge/test_trailers.py::test_hints_are_bounded",
            "proxy/test_answers.py::test_other_interim_answers_are_dropped_and_the_answer_arrives",
            "edge/test_tunnels.py::test_a_101_that_nobody_asked_for_is_a_bad_answer"),
    "H29": ("proxy/test_desync.py::test_leftovers_are_given_to_nobody",
            "proxy/test_desync.py::test_an_answer_before_the_request_is_no_answer",
            "proxy/test_desync.py::test_what_waits_in_the_kernel_is_seen_before_a_connection_is_used_again"),
    "H30": ("proxy/test_answers.py::test_bad_answers_are_not_relayed",
            "edge/test_trailers.py::test_no_value_hides_a_bad_line"),
    "H31": ("proxy/test_answers.py::test_a_cut_answer_never_ends_cleanly",
            "proxy/test_answers.py::test_a_chunk_gone_wrong_in_the_middle_cuts",
            "edge/test_tls.py::test_a_cut_answer_is_seen_as_cut"),
    "H32": ("edge/test_bodies.py::test_an_early_answer_reaches_a_client_that_still_sends",
            "edge/test_tls.py::test_an_early_answer_reaches_a_client_that_still_sends",
            "proxy/test_desync.py::test_a_connection_whose_request_was_cut_short_is_not_used_again"),
    "H33": ("edge/test_bodies.py::test_a_client_that_leaves_in_its_body_leaves_no_whole_request",
            "proxy/test_desync.py::test_what_may_have_had_an_effect_is_not_sent_twice",
            "edge/test_tls.py::test_a_reset_in_the_body_leaves_no_whole_request"),
    "H34": ("edge/test_deadlines.py::test_a_head_must_be_whole_in_time_however_steadily_it_comes",
            "edge/test_deadlines.py::test_a_body_must_keep_its_rate",
            "edge/test_deadlines.py::test_a_silent_connection_is_closed_without_a_word",
            "edge/test_tls.py::test_a_slow_handshake_is_closed"),
    "H35": ("edge/test_deadlines.py::test_slow_connections_do_not_disturb_others",),
    "H36": ("edge/test_connections.py::test_pipelined_requests_are_answered_in_order_each_on_its_own",
            "edge/test_whole_line.py::test_pipelined_requests_are_each_judged_and_metered"),
    "H39": ("edge/test_process_bounds.py::test_what_would_be_large_when_read_stays_small_here",
            "edge/test_process_bounds.py::test_errors_cost_no_memory",
            "edge/test_passing.py::test_a_coded_request_body_is_bytes"),
}  # fmt: skip
ELSEWHERE = {"H37": "HTTP/2 is not spoken", "H38": "the cache's own tests"}


@cache
def names(path: str) -> frozenset[str]:
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


@pytest.mark.parametrize("promise", PROVEN)
def test_what_proves_it_exists(promise: str) -> None:
    for proof in PROVEN[promise]:
        path, _, name = proof.partition("::")
        assert name in names(path), proof


def test_no_promise_is_left_out() -> None:
    assert PROVEN.keys() | ELSEWHERE.keys() == {f"H{number}" for number in range(1, 40)}
    assert not PROVEN.keys() & ELSEWHERE.keys()


def test_the_lists_are_as_long_as_they_should_be() -> None:
    """34 path tricks and a hundred malformed requests at least, each tried on a real edge."""
    from tests.edge.test_malformed_requests import CASES
    from tests.edge.test_targets import TRICKS

    assert len(set(TRICKS)) >= 34
    assert len({request for _, request, _ in CASES}) >= 100
