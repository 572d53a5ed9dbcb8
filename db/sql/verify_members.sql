-- Batches whose rows are not those that their link stands for.
select link.number, coalesce(link.kind, batch.kind) as kind, batch.batch_id
from (
    select
        batch_id, kind,
        sha256(string_agg(row_key || ' ' || digest, chr(10) order by row_key)) as digest
    from chain_member
    group by batch_id, kind
) as batch
left join link on link.kind = batch.kind and link.row_key = batch.batch_id
where link.digest is distinct from batch.digest
order by link.number nulls first
