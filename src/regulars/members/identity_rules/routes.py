"""HTTP of the rules about identities."""

from typing import Any, Final

import msgspec
from litestar import Request, Response, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from regulars.members.contracts.identity_rules import IdentityRules
from regulars.members.identity_rules import service
from regulars.members.identity_rules.schemas import RulesAnswer, RulesBody, RulesListed, change_of, rules_answer
from regulars.members.proposals.service import change_rules
from regulars.platform.commit.lane import one_by_one
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.services import Services

RULES: Final = "/v1/identity-rules"
TAGS: Final = ["merging"]

AnyRequest = Request[Any, Any, Any]

_encode = msgspec.json.Encoder().encode


def rules_routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the routes of the rules."""
    lane = services.lane("change_identity_rules", one_by_one(change_rules), _changed)

    @get(
        RULES,
        guards=[requires("policies:read")],
        operation_id="listIdentityRules",
        tags=TAGS,
        summary="Read how many identities a member may hold, and which propose a merge",
        response_description="The rules in force, and their history.",
    )
    async def list_rules() -> RulesListed:
        """Return the rules of each kind, the strongest first: limit, what is blocked, and whether it proposes."""
        async with services.database.transaction() as tx:
            found = await service.list_rules(tx)
        return RulesListed(in_force=rules_answer(found[0]), versions=[rules_answer(one) for one in found])

    @put(
        RULES,
        guards=[requires("policies:write")],
        operation_id="changeIdentityRules",
        tags=TAGS,
        summary="Let a new version of the rules be in force",
        response_description="The new version.",
    )
    async def change_identity_rules(request: AnyRequest, data: JSONBody[RulesBody]) -> Response[RulesAnswer]:
        """Add a version; none is ever edited. What members hold stays, and what was proposed keeps its version.

        409 `identity_rules_stale` if somebody changed the rules in between.
        """
        wish = change_of(data, principal_of(request).client)
        return await carry_out(request, lane, wish, subject="identity rules", reason=wish.reason)

    return [list_rules, change_identity_rules]


def _changed(rules: IdentityRules) -> tuple[int, bytes]:
    return 200, _encode(rules_answer(rules))
