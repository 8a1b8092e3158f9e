"""Sales in: one file per source. REGISTRY names the drivers of [[feed]]; outside packages add theirs by the entry point group
`rfidguard.feeds`.
"""

REGISTRY = {
    "drop_folder": "rfidguard.feeds.drop_folder:DropFolder",
    "sql": "rfidguard.feeds.sql_poll:SqlPoll",
    "epcis": "rfidguard.feeds.epcis_poll:EpcisPoll",
    "shopify": "rfidguard.feeds.shopify:Shopify",
    "square": "rfidguard.feeds.square:Square",
}
