"""The checks of one request, in the order in which the contract ranks its errors. They ask no server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from schemas import outcome as outcomes
from schemas.customer import Fault, InvalidRequestError, StoredAddress, parse_customer_request
from schemas.password_hashes.field import PASSWORD_HASH
from schemas.password_hashes.parsing import PLAIN_RULES
from schemas.strict_json import InvalidJsonError, parse_object
from worker.customer.rows import Checked, Decided

if TYPE_CHECKING:
    from schemas.ids import IdDeriver
    from schemas.password_hashes.parsing import HashRules
    from worker.customer.rows import Row
    from worker.customer.rules import Rules


class Checks:
    """Decides whether a request may become a customer. Thread-safe."""

    def __init__(
        self, ids: IdDeriver, *, rules: Rules, minimum_password_characters: int, hash_rules: HashRules = PLAIN_RULES
    ) -> None:
        """`hash_rules`: which hashes of other systems are taken."""
        self._ids = ids
        self._hash_rules = hash_rules
        self._rules = rules
        self._minimum_password_characters = minimum_password_characters
        self._short_password = Fault(
            field="password", message=f"String should have at least {minimum_password_characters} characters"
        )

    def check(self, row: Row) -> Checked | Decided:
        """The checked request, or the outcome that says what is wrong with it."""
        try:
            request = parse_customer_request(
                parse_object(row.body), may_import=row.may_import, hash_rules=self._hash_rules
            )
        except InvalidRequestError as error:
            return Decided(outcomes.validation_error(error.faults))
        except InvalidJsonError as error:
            # The shim has parsed the body of a signup; the lines of a batch it has not.
            message = str(error).replace("the body", "the line")
            return Decided(outcomes.validation_error([Fault(field="", message=message)]))
        # How long the password of an imported hash is, nobody knows.
        if PASSWORD_HASH not in request and len(request["password"]) < self._minimum_password_characters:
            return Decided(outcomes.validation_error([self._short_password]))
        email = self._rules.parse_email(request["email"])
        if email is None:
            return Decided(outcomes.invalid_email(request["email"]))
        addresses = request.get("addresses", [])
        invalid = self._rules.first_invalid_country(addresses)
        if invalid is not None:
            position, country = invalid
            return Decided(outcomes.invalid_country(country, address=position))
        return Checked(
            identity=row.identity,
            email=email,
            request=request,
            addresses=[
                StoredAddress(**address, id=self._ids.address_id(customer_id=row.customer_id, position=position))
                for position, address in enumerate(addresses)
            ],
            checked_at=datetime.now(UTC),
        )
