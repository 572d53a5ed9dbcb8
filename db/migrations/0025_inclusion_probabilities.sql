-- How the items of a queue were drawn, so that figures hold for all items that it was drawn from.
-- Queues made before have neither a design nor a draw.

alter table queue add column design varchar;  -- a JSON object: the fields of QueueDesign

-- All items that a queue was drawn from, whether they have a place in it or not.
create table queue_draw (
    queue_id varchar not null,
    stratum varchar not null,           -- drawn independently of each other
    stratum_rank bigint not null,       -- from 1: the order in which the stratum's items were drawn
    item_id varchar not null,
    -- With which share of a draw the item is chosen; after k labelled items of its stratum the
    -- inclusion probability is least(1, draw_size * the draw_threshold of rank k).
    draw_size double,                   -- null: the order is fixed, so only all items are a sample
    draw_threshold double,
    inclusion_probability double not null  -- in all places that the queue has
);
