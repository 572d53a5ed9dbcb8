-- How the items of a queue were drawn, with the probabilities that they have by the places of now.
select
    stratum,
    stratum_rank,
    item_id,
    draw_size,
    draw_threshold,
    least(1.0, coalesce(draw_size * reached.threshold, inclusion_probability)) as inclusion_probability
from queue_draw
left join (
    select stratum, max(draw_threshold) as threshold
    from queue_draw
    semi join queue_item using (queue_id, item_id)
    where queue_id = $queue_id
    group by stratum
) as reached using (stratum)
where queue_id = $queue_id
order by queue_draw.rowid
