-- Since when the chain proves something, of how many rows it speaks, and how many were stored again.
select
    (select min(row_key) from link where kind = $begin) as since,
    (select count(*) from expected where kind not in ($begin, $joined)) as num_rows,
    (select count(*) from expected where num_contents > 1) as num_again
