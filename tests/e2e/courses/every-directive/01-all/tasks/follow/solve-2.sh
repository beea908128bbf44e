cat ~/word > ~/copied
