select distinct source from item order by source
