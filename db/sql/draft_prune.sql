delete from draft
where draft_number not in (
    select max(draft_number) from draft group by item_id, reviewer_id
)
or body = ''
