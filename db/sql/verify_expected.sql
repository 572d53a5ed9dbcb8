-- The digest that each row should have by the latest link for it.
create or replace temp table expected as
select
    kind, row_key, arg_max(digest, number) as digest, max(number) as number,
    count(distinct digest) as num_contents
from (
    select kind, row_key, digest, number
    from link
    where row_key not in (select batch_id from chain_member)
    union all
    select member.kind, member.row_key, member.digest, link.number
    from chain_member as member
    left join link on link.kind = member.kind and link.row_key = member.batch_id
)
group by kind, row_key
