"""HTTP of members and identities."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from regulars.members.contracts import MEMBER_PREFIX, AddIdentity, Identity, Member, RemoveIdentity, SignUp
from regulars.members.identity import service
from regulars.members.identity.reading import MemberReads, Wanted
from regulars.members.identity.schemas import (
    IdentityAnswer,
    IdentityBody,
    LookupBody,
    MemberAnswer,
    MemberAnswerShown,
    SignUpBody,
    identity_answer,
    identity_value,
    member_answer,
    sign_up_of,
)
from regulars.members.proposals import service as proposals
from regulars.members.public_ids import identity_id_in, member_id_in
from regulars.platform.commit.lane import one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.http.asked import asked
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.openapi import ONLY_READS
from regulars.platform.http.purposes import purpose_of
from regulars.platform.ids import new_id, public_id
from regulars.platform.services import Services
from regulars.platform.vault.contracts import Vault

PERSONAL: Final = "members:personal"
TAGS: Final = ["members"]

AnyRequest = Request[Any, Any, Any]

_encode = msgspec.json.Encoder().encode


def routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the routes of members and identities."""
    return [_sign_up(services), *_reads(services), *_identities(services)]


def _sign_up(services: Services) -> HTTPRouteHandler:
    lane = services.lane("sign_up_member", partial(_sign_up_all, services.vault), _member_signed_up)

    @post(
        "/v1/members",
        guards=[requires("members:write")],
        operation_id="signUpMember",
        tags=TAGS,
        summary="Sign a member up",
        response_description="The member who signed up; no value is repeated.",
    )
    async def sign_up_member(request: AnyRequest, data: JSONBody[SignUpBody]) -> Response[MemberAnswer]:
        """Make a member who can be found by the given identities.

        A value that already belongs to a member gives 409 `identity_taken`; whose it is, a lookup tells.
        """
        member_id = new_id()
        return await carry_out(request, lane, sign_up_of(data, member_id), subject=public_id(MEMBER_PREFIX, member_id))

    return sign_up_member


def _reads(services: Services) -> list[HTTPRouteHandler]:
    reads = MemberReads(services)

    @get(
        "/v1/members/{member_id:str}",
        guards=[requires("members:read")],
        operation_id="getMember",
        tags=TAGS,
        summary="Read a member",
        response_description="The member.",
    )
    async def get_member(request: AnyRequest, member_id: FromPath[str]) -> Response[MemberAnswerShown]:
        """Return a member; personal data is masked.

        With the scope `members:personal` and the header `Regulars-Purpose`, which says why (5 to 200 characters,
        other letters than ASCII percent-encoded), it is in the clear, and the audit log keeps who read whom, and why.
        """
        return await _shown(reads, request, member_id_in(member_id))

    @post(
        "/v1/members/lookup",
        guards=[requires("members:read")],
        operation_id="lookUpMember",
        tags=TAGS,
        summary="Find a member by an identity",
        response_description="The member to whom the value points.",
        status_code=200,
        opt={ONLY_READS: True},
    )
    async def look_up_member(request: AnyRequest, data: JSONBody[LookupBody]) -> Response[MemberAnswerShown]:
        """Return the member to whom a value points, as `getMember` does; 404 if it points to nobody.

        It changes nothing and takes no idempotency key; it is a POST so that no personal data stands in an address.
        """
        async with services.database.transaction() as tx:
            (found,) = await service.resolve(tx, services.vault, [identity_value(data)], data.market)
        if isinstance(found, DomainError):
            found.pointer = "/value"
            raise found
        if found is None:
            raise NotFound
        return await _shown(reads, request, found)

    return [get_member, look_up_member]


def _identities(services: Services) -> list[HTTPRouteHandler]:
    async def add(tx: Transaction, wish: AddIdentity) -> Identity:
        return await service.add_identity(tx, services.vault, wish)

    each = one_by_one(add)

    async def add_all(tx: Transaction, wishes: Sequence[AddIdentity]) -> list[Identity | DomainError]:
        outcomes = await each(tx, wishes)
        await proposals.note(tx, services.vault, outcomes)  # outside of what a refusal rolls back
        return outcomes

    adding = services.lane("add_identity", add_all, _identity_added)
    removing = services.lane("remove_identity", one_by_one(service.remove_identity), _identity_removed)

    @post(
        "/v1/members/{member_id:str}/identities",
        guards=[requires("members:write")],
        operation_id="addIdentity",
        tags=TAGS,
        summary="Let a member be found by one more value",
        response_description="The identity; its value is not repeated.",
    )
    async def add_identity(
        request: AnyRequest, member_id: FromPath[str], data: JSONBody[IdentityBody]
    ) -> Response[IdentityAnswer]:
        """Add an identity; one that the member has already is answered as it is."""
        wish = AddIdentity(member_id=member_id_in(member_id), identity=identity_value(data))
        return await carry_out(request, adding, wish, subject=member_id)

    @delete(
        "/v1/members/{member_id:str}/identities/{identity_id:str}",
        guards=[requires("members:write")],
        operation_id="removeIdentity",
        tags=TAGS,
        summary="Let a member no longer be found by a value",
        response_description="The identity as it was.",
        status_code=200,
    )
    async def remove_identity(
        request: AnyRequest, member_id: FromPath[str], identity_id: FromPath[str]
    ) -> Response[IdentityAnswer]:
        """Remove an identity; the last one stays (409 `last_identity`)."""
        wish = RemoveIdentity(member_id=member_id_in(member_id), identity_id=identity_id_in(identity_id))
        return await carry_out(request, removing, wish, subject=member_id)

    return [add_identity, remove_identity]


async def _shown(reads: MemberReads, request: AnyRequest, member_id: UUID) -> Response[Any]:
    """Answer with a member as the caller may see one. Raises NotFound."""
    principal = principal_of(request)
    purpose = purpose_of(request) or ""
    body = await reads.read(
        Wanted(
            member_id=member_id,
            clear=bool(purpose) and principal.may(PERSONAL),
            purpose=purpose,
            actor=principal.client,
            request_id=asked(request.scope).request_id,
        )
    )
    return Response(body, media_type="application/json")


async def _sign_up_all(vault: Vault, tx: Transaction, wishes: Sequence[SignUp]) -> list[Member | DomainError]:
    outcomes = await service.sign_up(tx, vault, wishes)
    await proposals.note(tx, vault, outcomes)
    return outcomes


def _member_signed_up(member: Member) -> tuple[int, bytes]:
    return 201, _encode(member_answer(member))


def _identity_added(identity: Identity) -> tuple[int, bytes]:
    return 201, _encode(identity_answer(identity))


def _identity_removed(identity: Identity) -> tuple[int, bytes]:
    return 200, _encode(identity_answer(identity))
