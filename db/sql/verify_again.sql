-- Links that give a row another content. Of $replaced kinds this may be before the table replaced_item
-- joined the chain; later only of items of $origins whose earlier content is there, with the same right answer.
with content_after as (
    select
        kind, row_key, number, digest,
        lag(digest) over (partition by kind, row_key order by number) as before
    from content
    semi join (select kind, row_key from expected where num_contents > 1) using (kind, row_key)
),
kept as (
    select replaced_item.item_id, sha256(replaced_item.body) as digest
    from replaced_item
    join imported_item as item using (item_id)
    where case when json_valid(body) then
        list_contains($origins, body ->> '$.origin')
        and (body -> '$.labels') = to_json(item.labels)
        and (body ->> '$.gold_label') is not distinct from item.gold_label
    end
)
select content_after.number, kind, row_key
from content_after
left join kept
    on kind = 'imported_item' and kept.item_id = row_key and kept.digest = content_after.before
where content_after.digest <> content_after.before
    and kept.item_id is null
    and not (
        list_contains($replaced, kind)
        and content_after.number < coalesce(
            (select min(number) from link where kind = $joined and starts_with(row_key, 'replaced_item ')),
            9223372036854775807
        )
    )
order by content_after.number
