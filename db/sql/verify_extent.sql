-- Since when the chain proves something, of how many rows it speaks, and of which a content was replaced.
select
    (select min(row_key) from link where kind = $begin) as since,
    (select count(*) from expected where kind not in ($begin, $joined)) as num_rows,
    (
        select count(*)
        from expected
        anti join replaced_item on kind = 'imported_item' and item_id = row_key
        where num_contents > 1
    ) as num_again,
    (
        select min(split_part(row_key, ' ', 2))
        from link
        where kind = $joined and starts_with(row_key, 'replaced_item ')
    ) as once_since,
    (select count(distinct item_id) from replaced_item) as num_completed
