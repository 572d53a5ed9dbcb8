-- Each content that a link gives a row, alone or as a member of a batch.
create or replace temp table content as
select kind, row_key, digest, number
from link
where row_key not in (select batch_id from chain_member)
union all
select member.kind, member.row_key, member.digest, link.number
from chain_member as member
left join link on link.kind = member.kind and link.row_key = member.batch_id
