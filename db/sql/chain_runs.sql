-- The digests of the predictions of each run to which some were added from one place on.
with added as (
    select distinct run_id from stored_prediction where rowid >= $place
),
row_digest as (
    select run_id, item_id, sha256(to_json(stored_prediction)::varchar) as digest
    from stored_prediction
    semi join added using (run_id)
)
select run_id as row_key, sha256(string_agg(digest, '' order by item_id)) as digest
from row_digest
group by run_id
