-- Labels given to other texts than are stored; not of items completed since, which have several links.
select expected.number, 'annotation' as kind, shown.annotation_id
from shown
left join expected on expected.kind = 'annotation' and expected.row_key = shown.annotation_id
where shown.digest is distinct from shown.shown_digest
    and not (
        shown.item_version = 1
        and shown.item_id in (
            select row_key from content where kind = 'imported_item' group by row_key having count(*) > 1
        )
    )
order by expected.number nulls first
