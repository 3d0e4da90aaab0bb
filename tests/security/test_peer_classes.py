"""Error classes seen in other token services and libraries: each has tests of its own here, by name.

Names are of security advisories and of the projects they struck; «validation» classes only: those of
rotation, revocation and login have theirs beside the code (tests/integration).
"""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CLASSES = {
    "alg none, and confusion with the public key (PyJWT CVE-2017-11424, CVE-2022-29217, CVE-2026-48526)": [
        "security/test_access_token_headers.py::test_alg_none_in_every_spelling",
        "security/test_access_token_headers.py::test_hmac_with_the_public_key",
        "security/test_access_token_headers.py::test_the_keys_own_algorithm_decides_not_the_headers",
    ],
    "the header picks the key (Authlib CVE-2026-27962, node-jose CVE-2018-0114)": [
        "security/test_access_token_headers.py::test_embedded_jwk",
        "security/test_access_token_headers.py::test_a_header_that_locates_a_key_is_refused",
        "security/test_access_token_headers.py::test_a_kid_is_a_name_to_look_up_and_never_fetched",
    ],
    "crit ignored (PyJWT CVE-2026-32597, Authlib CVE-2025-59420)": [
        "security/test_access_token_headers.py::test_crit_b64_zip_and_any_member_but_ours",
    ],
    "zero signature, DER, malleability (Java CVE-2022-21449, python-ecdsa CVE-2019-14859)": [
        "security/test_access_token_signatures.py::test_zero_and_degenerate_ecdsa_signatures",
        "security/test_access_token_signatures.py::test_a_der_signature",
        "security/test_access_token_signatures.py::test_the_malleable_twin_dies_with_the_session",
    ],
    "two parsers, one token (python-jwt CVE-2022-39227, json-jwt CVE-2023-51774)": [
        "security/test_access_token_form.py::test_two_parsers_one_token_by_json_serialisation",
        "security/test_access_token_form.py::test_a_jwe_is_not_taken_for_a_signed_token",
        "security/test_access_token_form.py::test_duplicate_members_in_the_payload",
    ],
    "parser bombs (Authlib CVE-2025-61920, golang-jwt CVE-2025-30204, Keycloak CVE-2025-2559)": [
        "security/test_access_token_form.py::test_parser_bombs_and_broken_json_under_a_good_signature",
        "security/test_access_token_form.py::test_oversized_tokens_are_refused_quickly",
        "security/test_access_token_claims.py::test_a_token_that_claims_to_live_longer_than_any_may",
    ],
    "laxness of a claim's type or match (PyJWT CVE-2024-53861, Supabase CVE-2026-54238)": [
        "security/test_access_token_claims.py::test_an_issuer_that_is_not_the_whole_string",
        "security/test_access_token_claims.py::test_an_instant_of_a_wrong_type_or_range",
        "security/test_access_token_claims.py::test_a_claim_of_a_wrong_type",
    ],
    "revoke says 200, the token lives (fosite CVE-2020-15223, better-auth's cookie cache)": [
        "integration/authorizer/test_feed.py::test_a_revocation_is_honoured_once_the_feed_is_renewed",
        "integration/authorizer/test_sessions.py::test_a_revoked_session_is_refused_within_the_stated_delay",
        "e2e/test_revocation_delay.py::test_no_token_passes_later_than_stated_after_its_revocation",
    ],
    "a disabled user still served (simplejwt CVE-2024-22513, ZITADEL CVE-2023-22492)": [
        (
            "security/test_authorizer.py"
            "::test_the_own_routes_refuse_the_tokens_of_a_session_that_is_over_or_a_user_who_is_not_active"
        ),
        (
            "integration/authorizer/test_sessions.py"
            "::test_a_user_whom_only_the_portal_s_table_disables_is_refused_within_the_row_s_age"
        ),
    ],
    "identity mix-up (Keycloak CVE-2025-12390, SurrealDB GHSA-5qfp-32cf-69jh)": [
        "security/test_authorizer.py::test_a_warm_instance_mixes_no_two_callers",
        "security/test_access_token_claims.py::test_the_own_routes_refuse_a_session_of_somebody_else",
        "security/test_cross_kind.py::test_sixteen_pairs_of_kind_and_place",
    ],
    "key rotation, and a cache wiped by one failed fetch (Hydra, PyJWT)": [
        "security/test_verification_keys.py::test_a_failed_look_keeps_the_last_good_set",
        "security/test_verification_keys.py::test_a_thousand_random_kids_cost_one_look_at_the_table",
        "integration/keys/test_keys.py::test_a_token_made_at_any_moment_of_a_rotation_verifies_until_it_expires",
    ],
}


@pytest.mark.parametrize("tests", CLASSES.values(), ids=CLASSES)
def test_a_class_has_its_tests(tests: list[str]) -> None:
    for test in tests:
        file, _, name = test.partition("::")
        assert name in _functions(TESTS / file), test


def _functions(path: Path) -> set[str]:
    return {
        node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)
    }
