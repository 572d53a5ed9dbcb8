-- The digest that each row should have by the latest link for it.
create or replace temp table expected as
select
    kind, row_key, arg_max(digest, number) as digest, max(number) as number,
    count(distinct digest) as num_contents
from content
group by kind, row_key
