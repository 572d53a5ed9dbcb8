-- The digest of a batch: of its members' keys and digests, in order of the keys.
select sha256(string_agg(row_key || ' ' || digest, chr(10) order by row_key))
from chain_member
where batch_id = $batch_id and kind = $kind
