-- What an item was before an import completed it, so that the chain proves this too: db/content/items.py.
-- From the link "joined" of this table on, no row has a second content in the chain but items whose earlier
-- one is here. The inclusion_probability of queue_draw is that of the places of the draw, and stays it.
create table replaced_item (
    item_id varchar not null,
    body varchar not null,              -- the row, as evidence_imported_item writes it
    replaced_at timestamp not null
);

-- The key has the digest of the content, by which the links alone say what was replaced.
create view evidence_replaced_item as
select
    item_id || '/' || sha256(body) as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'body', body,
        'item_id', item_id,
        'replaced_at', strftime(replaced_at, '%Y-%m-%dT%H:%M:%S.%fZ')
    ))::varchar as body
from replaced_item;
