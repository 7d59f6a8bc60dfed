"""SQL of the markets."""

from typing import LiteralString

from regulars.platform.db.transaction import Transaction
from regulars.platform.markets.contracts import Market, PrivacyRegime

SELECT_MARKETS: LiteralString = """
SELECT code, country, currency, time_zone, language, privacy_regime FROM markets ORDER BY code
"""

INSERT_MARKET: LiteralString = """
INSERT INTO markets (code, country, currency, time_zone, language, privacy_regime) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""


async def select_markets(tx: Transaction) -> dict[str, Market]:
    """Return every market by its code."""
    return {
        code: Market(
            code=code,
            country=country,
            currency=currency,
            time_zone=time_zone,
            language=language,
            privacy_regime=PrivacyRegime(privacy_regime),
        )
        for code, country, currency, time_zone, language, privacy_regime in await tx.rows(SELECT_MARKETS)
    }


def insert_market(tx: Transaction, market: Market) -> None:
    """Add a market unless one of that code exists."""
    tx.write(
        INSERT_MARKET,
        (
            market.code,
            market.country,
            market.currency,
            market.time_zone,
            market.language,
            market.privacy_regime.value,
        ),
    )
