-- Since when the chain proves something, and of how many rows it speaks.
select
    (select min(row_key) from link where kind = $begin) as since,
    (select count(*) from expected where kind not in ($begin, $joined)) as num_rows
