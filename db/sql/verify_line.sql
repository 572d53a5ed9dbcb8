select line from link where number = $number
