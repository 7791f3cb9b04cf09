"""The same work for every peer: validate, hash, insert with majority and journal."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from pydantic import BaseModel, ConfigDict, EmailStr
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.write_concern import WriteConcern


class Address(BaseModel):
    """As documented."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: str
    firstName: str
    lastName: str | None = None
    address_1: str
    address_2: str | list[str] | None = None
    postCode: str
    city: str
    state: str
    country: str
    company: str | None = None
    phone: int | None = None
    instructions: str | None = None


class Customer(BaseModel):
    """As documented."""

    model_config = ConfigDict(strict=True, extra="forbid")

    email: EmailStr
    password: str
    firstName: str
    lastName: str
    status: str = "ACTIVE"
    tags: list[str] = []
    addresses: list[Address] = []


@cache
def _customers() -> Collection[dict[str, Any]]:
    client: MongoClient[dict[str, Any]] = MongoClient(os.environ["PEER_MONGODB_URI"])
    customers = client["peer"].get_collection("customers", write_concern=WriteConcern(w="majority", j=True))
    customers.create_index("email", unique=True)
    return customers


# The cost of the service's test profile, to measure what everything else can do.
_cost = (1, 64) if os.environ.get("PEER_TRIVIAL_HASH") else (2, 19456)
_hasher = PasswordHasher(time_cost=_cost[0], memory_cost=_cost[1], parallelism=1)


def create_customer(document: dict[str, Any]) -> dict[str, Any]:
    """The work of one signup."""
    customer = Customer.model_validate(document).model_dump()
    customer["password"] = _hasher.hash(customer["password"])
    _customers().insert_one(customer)
    customer["id"] = str(customer.pop("_id"))
    del customer["password"]
    return {"ok": True, "customer": customer}
